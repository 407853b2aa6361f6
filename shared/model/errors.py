"""Every error that Visavis raises on purpose. The class decides what becomes of the message that caused it.

VisavisError
├── Rejected       the input is at fault: the caller is told `code` and `detail`, nobody retries
├── Late           the work is no longer wanted: acknowledged and counted
├── Lost           what the message refers to is gone: acknowledged and counted
│   └── FrameLost  a frame reference of an older epoch or generation
├── Malformed      the message itself cannot be read: terminated, never redelivered
├── Unavailable    something that should be there is not, for now: retried
│   ├── Postponed  the same, and it is known when to come back: retried then
│   └── StorageFull  the object store has no room: retried like any other, and said by its own name
└── Misconfigured  no message can help: the process ends with the sentence
"""


class VisavisError(Exception):
    """The root; its text is one sentence that a person can act on."""


class Rejected(VisavisError):  # noqa: N818  -- the outcome is the name, as in HTTP's own words
    """The input is at fault.

    code: a stable word of the public contract, e.g. `unsupported-media`, `too-large`, `invalid-look`.
    detail: one sentence for a person; where a limit was passed it names the setting.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Late(VisavisError):  # noqa: N818  -- see Rejected
    """The work is no longer wanted: its session is over or its time has passed."""


class Lost(VisavisError):  # noqa: N818  -- see Rejected
    """What the message refers to is gone for good."""


class FrameLost(Lost):
    """A frame reference whose epoch or generation is not the slot's any more."""


class Malformed(VisavisError):  # noqa: N818  -- see Rejected
    """The message itself cannot be read; sending it again would not help."""


class Unavailable(VisavisError):  # noqa: N818  -- see Rejected
    """Something that should be there is not, for now."""


class Postponed(Unavailable):
    """Something that is not there for now; another try makes sense after `seconds`."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


class StorageFull(Unavailable):
    """The object store has no room for what it was given; it takes things again when there is some."""


class Misconfigured(VisavisError):  # noqa: N818  -- see Rejected
    """The process cannot do its work as it was started; the text says what to change."""
