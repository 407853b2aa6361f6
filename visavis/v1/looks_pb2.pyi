from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Look(_message.Message):
    __slots__ = ("smooth", "even_tone", "dark_circles", "nasolabial", "whiten", "rosy", "sharpen", "contour", "blush", "brighten_eyes", "eyeshadow", "eyeliner", "brows", "lenses", "whiten_teeth", "lipstick", "own", "texture", "slim_face", "narrow_face", "v_chin", "cheekbone", "jaw", "chin_length", "forehead", "enlarge_eyes", "eye_distance", "narrow_nose", "nose_length", "mouth_size", "smile", "stickers", "background", "brightness", "contrast", "saturation", "temperature", "grade", "face_blur", "face_pixelate", "face_cover", "faces")
    SMOOTH_FIELD_NUMBER: _ClassVar[int]
    EVEN_TONE_FIELD_NUMBER: _ClassVar[int]
    DARK_CIRCLES_FIELD_NUMBER: _ClassVar[int]
    NASOLABIAL_FIELD_NUMBER: _ClassVar[int]
    WHITEN_FIELD_NUMBER: _ClassVar[int]
    ROSY_FIELD_NUMBER: _ClassVar[int]
    SHARPEN_FIELD_NUMBER: _ClassVar[int]
    CONTOUR_FIELD_NUMBER: _ClassVar[int]
    BLUSH_FIELD_NUMBER: _ClassVar[int]
    BRIGHTEN_EYES_FIELD_NUMBER: _ClassVar[int]
    EYESHADOW_FIELD_NUMBER: _ClassVar[int]
    EYELINER_FIELD_NUMBER: _ClassVar[int]
    BROWS_FIELD_NUMBER: _ClassVar[int]
    LENSES_FIELD_NUMBER: _ClassVar[int]
    WHITEN_TEETH_FIELD_NUMBER: _ClassVar[int]
    LIPSTICK_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    TEXTURE_FIELD_NUMBER: _ClassVar[int]
    SLIM_FACE_FIELD_NUMBER: _ClassVar[int]
    NARROW_FACE_FIELD_NUMBER: _ClassVar[int]
    V_CHIN_FIELD_NUMBER: _ClassVar[int]
    CHEEKBONE_FIELD_NUMBER: _ClassVar[int]
    JAW_FIELD_NUMBER: _ClassVar[int]
    CHIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    FOREHEAD_FIELD_NUMBER: _ClassVar[int]
    ENLARGE_EYES_FIELD_NUMBER: _ClassVar[int]
    EYE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    NARROW_NOSE_FIELD_NUMBER: _ClassVar[int]
    NOSE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MOUTH_SIZE_FIELD_NUMBER: _ClassVar[int]
    SMILE_FIELD_NUMBER: _ClassVar[int]
    STICKERS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    SATURATION_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    FACE_BLUR_FIELD_NUMBER: _ClassVar[int]
    FACE_PIXELATE_FIELD_NUMBER: _ClassVar[int]
    FACE_COVER_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    smooth: float
    even_tone: float
    dark_circles: float
    nasolabial: float
    whiten: float
    rosy: float
    sharpen: float
    contour: Contour
    blush: Blush
    brighten_eyes: float
    eyeshadow: Eyeshadow
    eyeliner: Eyeliner
    brows: Brows
    lenses: Lenses
    whiten_teeth: float
    lipstick: Lipstick
    own: _struct_pb2.Struct
    texture: Texture
    slim_face: float
    narrow_face: float
    v_chin: float
    cheekbone: float
    jaw: float
    chin_length: float
    forehead: float
    enlarge_eyes: float
    eye_distance: float
    narrow_nose: float
    nose_length: float
    mouth_size: float
    smile: float
    stickers: _containers.RepeatedCompositeFieldContainer[Sticker]
    background: Background
    brightness: float
    contrast: float
    saturation: float
    temperature: float
    grade: Grade
    face_blur: float
    face_pixelate: float
    face_cover: FaceCover
    faces: _struct_pb2.Value
    def __init__(self, smooth: _Optional[float] = ..., even_tone: _Optional[float] = ..., dark_circles: _Optional[float] = ..., nasolabial: _Optional[float] = ..., whiten: _Optional[float] = ..., rosy: _Optional[float] = ..., sharpen: _Optional[float] = ..., contour: _Optional[_Union[Contour, _Mapping]] = ..., blush: _Optional[_Union[Blush, _Mapping]] = ..., brighten_eyes: _Optional[float] = ..., eyeshadow: _Optional[_Union[Eyeshadow, _Mapping]] = ..., eyeliner: _Optional[_Union[Eyeliner, _Mapping]] = ..., brows: _Optional[_Union[Brows, _Mapping]] = ..., lenses: _Optional[_Union[Lenses, _Mapping]] = ..., whiten_teeth: _Optional[float] = ..., lipstick: _Optional[_Union[Lipstick, _Mapping]] = ..., own: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., texture: _Optional[_Union[Texture, _Mapping]] = ..., slim_face: _Optional[float] = ..., narrow_face: _Optional[float] = ..., v_chin: _Optional[float] = ..., cheekbone: _Optional[float] = ..., jaw: _Optional[float] = ..., chin_length: _Optional[float] = ..., forehead: _Optional[float] = ..., enlarge_eyes: _Optional[float] = ..., eye_distance: _Optional[float] = ..., narrow_nose: _Optional[float] = ..., nose_length: _Optional[float] = ..., mouth_size: _Optional[float] = ..., smile: _Optional[float] = ..., stickers: _Optional[_Iterable[_Union[Sticker, _Mapping]]] = ..., background: _Optional[_Union[Background, _Mapping]] = ..., brightness: _Optional[float] = ..., contrast: _Optional[float] = ..., saturation: _Optional[float] = ..., temperature: _Optional[float] = ..., grade: _Optional[_Union[Grade, _Mapping]] = ..., face_blur: _Optional[float] = ..., face_pixelate: _Optional[float] = ..., face_cover: _Optional[_Union[FaceCover, _Mapping]] = ..., faces: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class Contour(_message.Message):
    __slots__ = ("amount", "highlight")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHT_FIELD_NUMBER: _ClassVar[int]
    amount: float
    highlight: float
    def __init__(self, amount: _Optional[float] = ..., highlight: _Optional[float] = ...) -> None: ...

class Blush(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...

class Eyeshadow(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...

class Eyeliner(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...

class Brows(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...

class Lenses(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...

class Lipstick(_message.Message):
    __slots__ = ("amount", "color", "finish")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    finish: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ..., finish: _Optional[str] = ...) -> None: ...

class Texture(_message.Message):
    __slots__ = ("amount", "asset", "blend", "feather", "shading")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    FEATHER_FIELD_NUMBER: _ClassVar[int]
    SHADING_FIELD_NUMBER: _ClassVar[int]
    amount: float
    asset: str
    blend: str
    feather: float
    shading: float
    def __init__(self, amount: _Optional[float] = ..., asset: _Optional[str] = ..., blend: _Optional[str] = ..., feather: _Optional[float] = ..., shading: _Optional[float] = ...) -> None: ...

class Sticker(_message.Message):
    __slots__ = ("amount", "asset", "anchor", "size", "x", "y", "turn", "behind")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    amount: float
    asset: str
    anchor: str
    size: float
    x: float
    y: float
    turn: float
    behind: bool
    def __init__(self, amount: _Optional[float] = ..., asset: _Optional[str] = ..., anchor: _Optional[str] = ..., size: _Optional[float] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., turn: _Optional[float] = ..., behind: _Optional[bool] = ...) -> None: ...

class Background(_message.Message):
    __slots__ = ("kind", "amount", "color", "asset")
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    kind: str
    amount: float
    color: str
    asset: str
    def __init__(self, kind: _Optional[str] = ..., amount: _Optional[float] = ..., color: _Optional[str] = ..., asset: _Optional[str] = ...) -> None: ...

class Grade(_message.Message):
    __slots__ = ("amount", "asset")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    amount: float
    asset: str
    def __init__(self, amount: _Optional[float] = ..., asset: _Optional[str] = ...) -> None: ...

class FaceCover(_message.Message):
    __slots__ = ("amount", "color")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    amount: float
    color: str
    def __init__(self, amount: _Optional[float] = ..., color: _Optional[str] = ...) -> None: ...
