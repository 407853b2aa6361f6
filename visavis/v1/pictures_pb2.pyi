from visavis.v1 import looks_pb2 as _looks_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union
from visavis.v1.looks_pb2 import Look as Look
from visavis.v1.looks_pb2 import Contour as Contour
from visavis.v1.looks_pb2 import Blush as Blush
from visavis.v1.looks_pb2 import Eyeshadow as Eyeshadow
from visavis.v1.looks_pb2 import Eyeliner as Eyeliner
from visavis.v1.looks_pb2 import Brows as Brows
from visavis.v1.looks_pb2 import Lenses as Lenses
from visavis.v1.looks_pb2 import Lipstick as Lipstick
from visavis.v1.looks_pb2 import Texture as Texture
from visavis.v1.looks_pb2 import Sticker as Sticker
from visavis.v1.looks_pb2 import Background as Background
from visavis.v1.looks_pb2 import Grade as Grade
from visavis.v1.looks_pb2 import FaceCover as FaceCover

DESCRIPTOR: _descriptor.FileDescriptor

class AnalyzeRequest(_message.Message):
    __slots__ = ("picture", "detector", "landmarks")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    picture: bytes
    detector: str
    landmarks: str
    def __init__(self, picture: _Optional[bytes] = ..., detector: _Optional[str] = ..., landmarks: _Optional[str] = ...) -> None: ...

class AnalyzeResponse(_message.Message):
    __slots__ = ("width", "height", "faces", "hops")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    faces: _containers.RepeatedCompositeFieldContainer[Face]
    hops: _containers.RepeatedCompositeFieldContainer[Hop]
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., faces: _Optional[_Iterable[_Union[Face, _Mapping]]] = ..., hops: _Optional[_Iterable[_Union[Hop, _Mapping]]] = ...) -> None: ...

class ProcessRequest(_message.Message):
    __slots__ = ("picture", "look_name", "look", "reply_media_type", "detector", "landmarks")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    LOOK_NAME_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    REPLY_MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    picture: bytes
    look_name: str
    look: _looks_pb2.Look
    reply_media_type: str
    detector: str
    landmarks: str
    def __init__(self, picture: _Optional[bytes] = ..., look_name: _Optional[str] = ..., look: _Optional[_Union[_looks_pb2.Look, _Mapping]] = ..., reply_media_type: _Optional[str] = ..., detector: _Optional[str] = ..., landmarks: _Optional[str] = ...) -> None: ...

class ProcessResponse(_message.Message):
    __slots__ = ("picture", "media_type", "width", "height", "faces", "hops")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    picture: bytes
    media_type: str
    width: int
    height: int
    faces: _containers.RepeatedCompositeFieldContainer[Face]
    hops: _containers.RepeatedCompositeFieldContainer[Hop]
    def __init__(self, picture: _Optional[bytes] = ..., media_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., faces: _Optional[_Iterable[_Union[Face, _Mapping]]] = ..., hops: _Optional[_Iterable[_Union[Hop, _Mapping]]] = ...) -> None: ...

class Face(_message.Message):
    __slots__ = ("track", "score", "box", "landmarks", "quality", "pose")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    track: int
    score: float
    box: Box
    landmarks: _containers.RepeatedScalarFieldContainer[float]
    quality: str
    pose: Pose
    def __init__(self, track: _Optional[int] = ..., score: _Optional[float] = ..., box: _Optional[_Union[Box, _Mapping]] = ..., landmarks: _Optional[_Iterable[float]] = ..., quality: _Optional[str] = ..., pose: _Optional[_Union[Pose, _Mapping]] = ...) -> None: ...

class Pose(_message.Message):
    __slots__ = ("yaw", "pitch", "roll")
    YAW_FIELD_NUMBER: _ClassVar[int]
    PITCH_FIELD_NUMBER: _ClassVar[int]
    ROLL_FIELD_NUMBER: _ClassVar[int]
    yaw: float
    pitch: float
    roll: float
    def __init__(self, yaw: _Optional[float] = ..., pitch: _Optional[float] = ..., roll: _Optional[float] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("x0", "y0", "x1", "y1")
    X0_FIELD_NUMBER: _ClassVar[int]
    Y0_FIELD_NUMBER: _ClassVar[int]
    X1_FIELD_NUMBER: _ClassVar[int]
    Y1_FIELD_NUMBER: _ClassVar[int]
    x0: float
    y0: float
    x1: float
    y1: float
    def __init__(self, x0: _Optional[float] = ..., y0: _Optional[float] = ..., x1: _Optional[float] = ..., y1: _Optional[float] = ...) -> None: ...

class Hop(_message.Message):
    __slots__ = ("name", "waited_ms", "worked_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WAITED_MS_FIELD_NUMBER: _ClassVar[int]
    WORKED_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    waited_ms: float
    worked_ms: float
    def __init__(self, name: _Optional[str] = ..., waited_ms: _Optional[float] = ..., worked_ms: _Optional[float] = ...) -> None: ...
