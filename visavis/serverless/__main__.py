"""Start the function over HTTP: `python -m visavis.serverless`. It listens when it is warm."""

from __future__ import annotations

import sys

from visavis.serverless.steps import Steps

EXIT_MISCONFIGURED = 78
"""sysexits.h: EX_CONFIG."""


def main() -> None:
    """Serve until SIGTERM or SIGINT. Exits 78 with a sentence where it is misconfigured."""
    steps = Steps()
    # Only now, so that what the imports take is told as a step of its own.
    import asyncio  # noqa: PLC0415

    from shared.model.errors import VisavisError  # noqa: PLC0415
    from visavis.serverless.serving import serve  # noqa: PLC0415

    steps.tell("imports")
    try:
        asyncio.run(serve(steps))
    except VisavisError as error:
        print(f"visavis function: {error}", file=sys.stderr)  # noqa: T201  -- the last word of the process
        sys.exit(EXIT_MISCONFIGURED)


if __name__ == "__main__":
    main()
