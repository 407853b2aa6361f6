"""What Lambda's runtime interface client imports: `handler.handler`. Importing warms the function.

Lambda gives the import its initialisation, before the first event and at full speed; a failure is told by the client.
"""

from visavis.serverless.steps import Steps

steps = Steps()

from visavis.serverless.aws import Handler  # noqa: E402  -- after the first step, so that imports are one of their own

steps.tell("imports")
handler = Handler.started(steps)
