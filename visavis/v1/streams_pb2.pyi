from visavis.v1 import looks_pb2 as _looks_pb2
from visavis.v1 import pictures_pb2 as _pictures_pb2
from visavis.v1 import looks_pb2 as _looks_pb2_1
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Codec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODEC_UNSPECIFIED: _ClassVar[Codec]
    CODEC_H264: _ClassVar[Codec]
    CODEC_HEVC: _ClassVar[Codec]
    CODEC_AV1: _ClassVar[Codec]
    CODEC_VP9: _ClassVar[Codec]
    CODEC_MJPEG: _ClassVar[Codec]
    CODEC_I420: _ClassVar[Codec]
    CODEC_NV12: _ClassVar[Codec]
    CODEC_RGB24: _ClassVar[Codec]
CODEC_UNSPECIFIED: Codec
CODEC_H264: Codec
CODEC_HEVC: Codec
CODEC_AV1: Codec
CODEC_VP9: Codec
CODEC_MJPEG: Codec
CODEC_I420: Codec
CODEC_NV12: Codec
CODEC_RGB24: Codec

class ClientMessage(_message.Message):
    __slots__ = ("settings", "packet", "change_look", "request_key_frame", "pause", "unpause", "end")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    PACKET_FIELD_NUMBER: _ClassVar[int]
    CHANGE_LOOK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_KEY_FRAME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    UNPAUSE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    settings: StreamSettings
    packet: Packet
    change_look: ChangeLook
    request_key_frame: RequestKeyFrame
    pause: Pause
    unpause: Unpause
    end: End
    def __init__(self, settings: _Optional[_Union[StreamSettings, _Mapping]] = ..., packet: _Optional[_Union[Packet, _Mapping]] = ..., change_look: _Optional[_Union[ChangeLook, _Mapping]] = ..., request_key_frame: _Optional[_Union[RequestKeyFrame, _Mapping]] = ..., pause: _Optional[_Union[Pause, _Mapping]] = ..., unpause: _Optional[_Union[Unpause, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ...) -> None: ...

class StreamSettings(_message.Message):
    __slots__ = ("input", "output", "look_name", "look", "detector", "landmarks", "want_picture", "want_faces", "want_timings", "max_delay_ms", "resume_token")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    LOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    WANT_PICTURE_FIELD_NUMBER: _ClassVar[int]
    WANT_FACES_FIELD_NUMBER: _ClassVar[int]
    WANT_TIMINGS_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    input: StreamInput
    output: StreamOutput
    look_name: str
    look: _looks_pb2_1.Look
    detector: str
    landmarks: str
    want_picture: bool
    want_faces: bool
    want_timings: bool
    max_delay_ms: int
    resume_token: str
    def __init__(self, input: _Optional[_Union[StreamInput, _Mapping]] = ..., output: _Optional[_Union[StreamOutput, _Mapping]] = ..., look_name: _Optional[str] = ..., look: _Optional[_Union[_looks_pb2_1.Look, _Mapping]] = ..., detector: _Optional[str] = ..., landmarks: _Optional[str] = ..., want_picture: _Optional[bool] = ..., want_faces: _Optional[bool] = ..., want_timings: _Optional[bool] = ..., max_delay_ms: _Optional[int] = ..., resume_token: _Optional[str] = ...) -> None: ...

class StreamInput(_message.Message):
    __slots__ = ("codec", "width", "height", "rate", "clock_hz", "header")
    CODEC_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    CLOCK_HZ_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    codec: Codec
    width: int
    height: int
    rate: float
    clock_hz: int
    header: bytes
    def __init__(self, codec: _Optional[_Union[Codec, str]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., rate: _Optional[float] = ..., clock_hz: _Optional[int] = ..., header: _Optional[bytes] = ...) -> None: ...

class StreamOutput(_message.Message):
    __slots__ = ("codec", "bitrate_kbps", "quality", "key_interval_seconds", "low_delay")
    CODEC_FIELD_NUMBER: _ClassVar[int]
    BITRATE_KBPS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    KEY_INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOW_DELAY_FIELD_NUMBER: _ClassVar[int]
    codec: Codec
    bitrate_kbps: int
    quality: float
    key_interval_seconds: float
    low_delay: bool
    def __init__(self, codec: _Optional[_Union[Codec, str]] = ..., bitrate_kbps: _Optional[int] = ..., quality: _Optional[float] = ..., key_interval_seconds: _Optional[float] = ..., low_delay: _Optional[bool] = ...) -> None: ...

class Packet(_message.Message):
    __slots__ = ("pts", "key", "data")
    PTS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    pts: int
    key: bool
    data: bytes
    def __init__(self, pts: _Optional[int] = ..., key: _Optional[bool] = ..., data: _Optional[bytes] = ...) -> None: ...

class ChangeLook(_message.Message):
    __slots__ = ("look_name", "look")
    LOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    look_name: str
    look: _looks_pb2_1.Look
    def __init__(self, look_name: _Optional[str] = ..., look: _Optional[_Union[_looks_pb2_1.Look, _Mapping]] = ...) -> None: ...

class RequestKeyFrame(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Pause(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Unpause(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class End(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerMessage(_message.Message):
    __slots__ = ("opened", "began", "frame", "look_changed", "look_refused", "notice", "account", "problem")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    BEGAN_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    LOOK_CHANGED_FIELD_NUMBER: _ClassVar[int]
    LOOK_REFUSED_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    opened: Opened
    began: Began
    frame: Frame
    look_changed: LookChanged
    look_refused: LookRefusal
    notice: Notice
    account: Account
    problem: StreamProblem
    def __init__(self, opened: _Optional[_Union[Opened, _Mapping]] = ..., began: _Optional[_Union[Began, _Mapping]] = ..., frame: _Optional[_Union[Frame, _Mapping]] = ..., look_changed: _Optional[_Union[LookChanged, _Mapping]] = ..., look_refused: _Optional[_Union[LookRefusal, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., account: _Optional[_Union[Account, _Mapping]] = ..., problem: _Optional[_Union[StreamProblem, _Mapping]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("resume_token", "resume_seconds", "trace_id")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESUME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    resume_seconds: float
    trace_id: str
    def __init__(self, resume_token: _Optional[str] = ..., resume_seconds: _Optional[float] = ..., trace_id: _Optional[str] = ...) -> None: ...

class Began(_message.Message):
    __slots__ = ("resumed", "width", "height")
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    resumed: bool
    width: int
    height: int
    def __init__(self, resumed: _Optional[bool] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("pts", "dts", "key", "data", "header", "faces", "hops", "age_ms")
    PTS_FIELD_NUMBER: _ClassVar[int]
    DTS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    pts: int
    dts: int
    key: bool
    data: bytes
    header: bytes
    faces: _containers.RepeatedCompositeFieldContainer[_pictures_pb2.Face]
    hops: _containers.RepeatedCompositeFieldContainer[_pictures_pb2.Hop]
    age_ms: float
    def __init__(self, pts: _Optional[int] = ..., dts: _Optional[int] = ..., key: _Optional[bool] = ..., data: _Optional[bytes] = ..., header: _Optional[bytes] = ..., faces: _Optional[_Iterable[_Union[_pictures_pb2.Face, _Mapping]]] = ..., hops: _Optional[_Iterable[_Union[_pictures_pb2.Hop, _Mapping]]] = ..., age_ms: _Optional[float] = ...) -> None: ...

class LookChanged(_message.Message):
    __slots__ = ("change", "from_pts")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    FROM_PTS_FIELD_NUMBER: _ClassVar[int]
    change: int
    from_pts: int
    def __init__(self, change: _Optional[int] = ..., from_pts: _Optional[int] = ...) -> None: ...

class LookRefusal(_message.Message):
    __slots__ = ("change", "code", "detail")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    change: int
    code: str
    detail: str
    def __init__(self, change: _Optional[int] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("kind", "detail", "count", "place", "reason")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    kind: str
    detail: str
    count: int
    place: str
    reason: str
    def __init__(self, kind: _Optional[str] = ..., detail: _Optional[str] = ..., count: _Optional[int] = ..., place: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("received", "delivered", "dropped", "failed")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    received: int
    delivered: int
    dropped: _containers.RepeatedCompositeFieldContainer[Dropped]
    failed: int
    def __init__(self, received: _Optional[int] = ..., delivered: _Optional[int] = ..., dropped: _Optional[_Iterable[_Union[Dropped, _Mapping]]] = ..., failed: _Optional[int] = ...) -> None: ...

class Dropped(_message.Message):
    __slots__ = ("place", "reason", "count")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    place: str
    reason: str
    count: int
    def __init__(self, place: _Optional[str] = ..., reason: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class StreamProblem(_message.Message):
    __slots__ = ("code", "detail", "retry_after_seconds", "trace_id")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    retry_after_seconds: float
    trace_id: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., retry_after_seconds: _Optional[float] = ..., trace_id: _Optional[str] = ...) -> None: ...
