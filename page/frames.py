"""Which pages may show this one in a frame: a website could put it, invisible, under the visitor's mouse."""

import re

import settings

# Other programs of this computer, and the preview of VS Code, whose schemes no website can have.
FRAMES = ["'self'", "http://localhost:*", "http://127.0.0.1:*", "vscode-webview:", "vscode-file:"]


def ancestors() -> list[str]:
    """The sources of `frame-ancestors`, with the named hosts; for that of a Codespace, also its editor."""
    found = [*FRAMES, *(f"https://{host}" for host in settings.ALLOWED_HOSTS)]
    for host in settings.ALLOWED_HOSTS:
        if codespace := re.fullmatch(r"(.+)-\d+\.app\.github\.dev", host):
            found += [f"https://{codespace[1]}.github.dev", "https://*.vscode-cdn.net"]
    return found


class OnlyOurFrames:
    """ASGI middleware: tells the browser to show the page in no other frame."""

    def __init__(self, app):
        self._app = app
        self._header = (b"content-security-policy", f"frame-ancestors {' '.join(ancestors())}".encode())

    async def __call__(self, scope, receive, send):
        async def send_with_header(message):
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", []), self._header]}
            await send(message)

        await self._app(scope, receive, send_with_header)
