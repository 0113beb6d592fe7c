"""A real mail server for the tests, PyPI `aiosmtpd`, with the manners of the worst of its kind.

    python3 server.py FOLDER OPTIONS

FOLDER holds the packages; OPTIONS is JSON:

    tls        "starttls" (if nothing is said), "smtps" or "none"
    certificate  "trusted" (if nothing is said) or "other", which nothing vouches for
    user       [name, password]: nobody else sends
    greeting   what it says first, in place of 220; null never says anything
    starttls   what it says to STARTTLS, in place of 220
    letters    how many letters one connection carries before it is told 421

What becomes of a letter is said by its recipient, before a hyphen or the @ (the rest tells letters apart):

    rcpt.550 data.451 dot.552  that code at that step; `!` after it adds "5.7.1"
    lost taken                 the connection is cut after the dot; the letter is thrown away, or taken
    cut                        taken, 250, then cut
    shy                        taken; no reply the first time, and 250 when the same letter comes again
    half                       cut amid the text
    never.rcpt never.dot       no reply at that step
    drip                       taken; a reply byte by byte, one in five seconds
    line lines                 after the dot a line, or lines, without end
    ahead                      the replies to all steps at once, before they were asked
    early                      354 and 250 at once, before there is a text
    garbage                    after the dot, what is no reply
    other                      after the dot, 251

All others are taken. The first line on standard output is its port; then one line of JSON for each letter
that it took, before it says so. A line on standard input is answered with an empty one: all taken before
has been told. Ends with its input.
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys
import threading

FOLDER, OPTIONS = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, FOLDER)

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TLS = OPTIONS.get("tls", "starttls")
USER = OPTIONS.get("user")
LOCK = threading.Lock()
KNOWN = set()


def tell(line):
    """To whoever started this."""
    with LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def manners(recipient):
    """What the recipient's name asks for."""
    return recipient.split("@")[0].split("-")[0].split(".")


def take(envelope):
    """Takes a letter; whether it was there before."""
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    told = {
        "key": str(letter["Message-ID"]).strip("<>").split("@")[0],
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "subject": letter["Subject"],
        "text": letter.get_content(),
        "headers": {name: value for name, value in letter.items()},
    }
    tell(json.dumps(told))
    known = told["key"] in KNOWN
    KNOWN.add(told["key"])
    return known


class Manners:
    """What is done at each step."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        kind, *more = manners(address)
        if kind == "rcpt":
            return code(more[0])
        if [kind, *more] == ["never", "rcpt"]:
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        if kind == "ahead":
            return "250 OK\r\n354 go on\r\n250 OK: queued as AHEAD"
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        kind, *more = manners(envelope.rcpt_tos[0])
        if kind == "dot":
            return code(more[0])
        if [kind, *more] == ["never", "dot"]:
            await asyncio.Event().wait()
        if kind == "garbage":
            return "<html>250 OK</html>"
        if kind == "other":
            return "251 forwarded"
        while kind in ("line", "lines") and server.transport and not server.transport.is_closing():
            await server.push("\r\n".join(["250-more"] * 64) if kind == "lines" else "2" * 65536)
            await asyncio.sleep(0)
        known = kind not in ("lost", "line", "lines") and take(envelope)
        if kind == "shy" and not known:
            await asyncio.Event().wait()
        if kind in ("lost", "taken"):
            server.transport.abort()
            return "250 too late"
        if kind == "drip":
            for letter in "250 OK\r\n":
                server._writer.write(letter.encode())
                await asyncio.sleep(5)
        return "250 OK: queued as Q" + str(id(envelope))


class Server(SMTP):
    """One conversation."""

    greeted = False
    letters = 0

    async def push(self, status):
        if self.transport is None or self.transport.is_closing():
            return
        if not self.greeted:
            self.greeted = True
            if "greeting" in OPTIONS:
                status = OPTIONS["greeting"]
                if status is None:
                    await asyncio.Event().wait()
        if isinstance(status, str) and len(status) == 65536:
            self._writer.write(status.encode())
            return await self._writer.drain()
        await super().push(status)
        if status == "250 OK: queued as Q" + str(id(self.envelope)):
            if manners(self.envelope.rcpt_tos[0]) == ["cut"]:
                self.transport.close()

    async def smtp_STARTTLS(self, arg):
        if "starttls" in OPTIONS:
            return await self.push(OPTIONS["starttls"])
        await super().smtp_STARTTLS(arg)

    async def smtp_MAIL(self, arg):
        self.letters += 1
        if self.letters > OPTIONS.get("letters", 1_000_000):
            await self.push("421 4.7.0 enough letters on this connection")
            return self.transport.close()
        await super().smtp_MAIL(arg)

    async def smtp_DATA(self, arg):
        kind, *more = manners(self.envelope.rcpt_tos[0]) if self.envelope.rcpt_tos else [""]
        if kind == "data":
            return await self.push(code(more[0]))
        if kind == "half":
            await self.push("354 go on")
            await self._reader.read(4096)
            return self.transport.abort()
        if kind == "early":
            return await self.push("354 go on\r\n250 OK: queued as EARLY")
        await super().smtp_DATA(arg)


def code(text):
    """A refusal."""
    finer = " 5.7.1" if text.endswith("!") else ""
    return text.rstrip("!") + finer + " no"


def known(server, session, envelope, mechanism, data):
    """Whether somebody may send."""
    right = [data.login.decode(), data.password.decode()] == USER
    return AuthResult(success=right, handled=right)


def context():
    """The certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(os.path.join(HERE, OPTIONS.get("certificate", "trusted") + ".pem"))
    return tls


def conversation():
    """A new one."""
    more = {}
    if TLS == "starttls":
        more = {"tls_context": context(), "require_starttls": "starttls" not in OPTIONS}
    if USER:
        more |= {"authenticator": known, "auth_required": True, "auth_require_tls": TLS == "starttls"}
    return Server(Manners(), hostname="tests", loop=asyncio.get_running_loop(), **more)


def listen(loop):
    """Answers whoever wants to know everything so far, and ends with the input."""
    for _ in sys.stdin:
        told = threading.Event()
        loop.call_soon_threadsafe(told.set)
        told.wait()
        tell("")
    os._exit(0)


async def serve():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    tls = context() if TLS == "smtps" else None
    server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=tls)
    tell(str(server.sockets[0].getsockname()[1]))
    threading.Thread(target=listen, args=[loop], daemon=True).start()
    await server.serve_forever()


asyncio.run(serve())
