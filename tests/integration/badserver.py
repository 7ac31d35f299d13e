#!/usr/bin/python3
"""A hostile HTTP/1.1 server on a free port of 127.0.0.1.

  badserver.py --root DIR --rules FILE --log FILE --port-file FILE

Serves DIR; GET and HEAD, Range, ETag, If-None-Match, If-Modified-Since and
If-Range as RFC 9110 says.  Before each request FILE with the rules is read:

  GLOB FAULT [NAME=VALUE...]      the first that matches the path counts

where times=N makes a rule hold for N requests only, and skip=N for none of the
first N.  The log has one line a request, written before its body goes out:

  METHOD PATH STATUS FAULT RANGE CONDITIONAL       ("-" for none)

FAULT is one of
  ok                       none (to shield a path from a later rule)
  reset [after=N]          RST at once, or after N bytes of the body
  stall [after=N]          nothing more after N bytes of the body (0); -1: no reply
  truncate [after=N]       end after N bytes (half), Content-Length of the whole
  long [extra=N]           N (4096) bytes more than the file has, so announced
  other [with=PATH]        another file's content, or the same length of noise
  status code=N            that status, with a body that says so
  html                     200 and a page for a browser
  endless                  no length and no end
  loop                     redirects to itself, each time by another name
  redirect to=URL [code=N] redirects there (302)
  trickle [rate=N]         N (100) bytes a second
  length by=N              Content-Length is off by N (+ or -)
  nolength                 no Content-Length; the end is the connection's
  chunked                  Transfer-Encoding: chunked
  plain                    no Range, no ETag, no Last-Modified, no 304
  header [size=N]          N (1000000) bytes of header
  garbage                  no HTTP at all
  delay [seconds=N]        a second, then as ok
"""

import argparse
import email.utils
import fnmatch
import http.server
import os
import posixpath
import re
import socket
import struct
import threading
import time
import urllib.parse

BLOCK = 65536


def parse_rules(text):
    """Yield (line, glob, fault, options) of every rule in text."""
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        options = dict(word.split("=", 1) for word in words[2:])
        yield line, words[0], words[1], options


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, args):
        super().__init__(("127.0.0.1", 0), Handler)
        self.args = args
        self.lock = threading.Lock()
        self.seen = {}
        self.log_fd = os.open(
            args.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
        )

    def handle_error(self, request, client_address):
        """A client that goes away is what the tests are about."""

    def fault(self, path):
        """The fault and its options for one more request of path."""
        with open(self.args.rules, encoding="utf-8") as file:
            rules = list(parse_rules(file.read()))
        with self.lock:
            for line, glob, fault, options in rules:
                if not fnmatch.fnmatchcase(path, glob):
                    continue
                seen = self.seen.get(line, 0)
                self.seen[line] = seen + 1
                first = int(options.get("skip", 0))
                last = first + int(options.get("times", 1 << 60))
                if first <= seen < last:
                    return fault, options
        return "ok", {}

    def note(self, *words):
        os.write(self.log_fd, (" ".join(map(str, words)) + "\n").encode())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "badserver"
    sys_version = ""
    # Headers and body go out at once: no small writes that wait for an ACK.
    wbufsize = BLOCK

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.url_path = urllib.parse.unquote(self.path.partition("?")[0])
        self.fault, self.options = self.server.fault(self.url_path)
        getattr(self, "fault_" + self.fault, self.fault_unknown)()
        self.wfile.flush()

    def option(self, name, default):
        return int(self.options.get(name, default))

    def note(self, status):
        conditional = self.headers.get(
            "If-None-Match", self.headers.get("If-Modified-Since", "-")
        )
        self.server.note(
            self.command,
            self.url_path.replace(" ", "%20"),
            status,
            self.fault,
            self.headers.get("Range", "-").replace(" ", ""),
            conditional.replace(" ", "_"),
        )

    # The file.

    def file_name(self, path):
        path = posixpath.normpath("/" + path.lstrip("/"))
        return self.server.args.root + path

    def read_file(self, path=None):
        """The content of a file, or None after an answer of 404."""
        name = self.file_name(path or self.url_path)
        try:
            with open(name, "rb") as file:
                self.mtime = int(os.fstat(file.fileno()).st_mtime)
                return file.read()
        except OSError:
            self.send_error_page(404)
            return None

    def etag(self, body):
        return '"%x-%x"' % (self.mtime, len(body))

    def not_modified(self, body):
        tag = self.headers.get("If-None-Match")
        if tag is not None:
            tags = [t.strip().removeprefix("W/") for t in tag.split(",")]
            return "*" in tags or self.etag(body) in tags
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            when = email.utils.parsedate_to_datetime(since).timestamp()
        except (TypeError, ValueError):
            return False
        return self.mtime <= when

    def wanted_range(self, body):
        """(first, end) of a single range, None for all, () for none."""
        match = re.fullmatch(
            r"bytes=(\d*)-(\d*)", self.headers.get("Range", "").strip()
        )
        if not match or match.groups() == ("", ""):
            return None
        condition = self.headers.get("If-Range")
        date = email.utils.formatdate(self.mtime, usegmt=True)
        if condition is not None and condition not in (self.etag(body), date):
            return None
        first, last = match.groups()
        if first == "":
            return max(0, len(body) - int(last)), len(body)
        end = min(int(last) + 1, len(body)) if last else len(body)
        if int(first) >= end:
            return ()
        return int(first), end

    # Answers.

    def send_head(self, status, length, headers=()):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is None:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_body(self, body):
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error_page(self, status):
        body = b"status %d\n" % status
        headers = [("Content-Type", "text/plain")]
        self.send_head(status, len(body), headers)
        self.send_body(body)

    def validators(self, body):
        return [
            ("Last-Modified", email.utils.formatdate(self.mtime, usegmt=True)),
            ("ETag", self.etag(body)),
            ("Accept-Ranges", "bytes"),
        ]

    def start_body(self):
        """Head of a whole answer; its body is returned, None if there is none."""
        body = self.read_file()
        if body is None:
            return None
        self.close_connection = True
        self.send_head(200, len(body), self.validators(body))
        return body

    def reset(self):
        """Close so that the client sees RST: linger on, for no time."""
        self.wfile.flush()
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.drop()

    def drop(self):
        self.close_connection = True
        self.connection.close()
        # StreamRequestHandler flushes once more at its end.
        self.wfile = open(os.devnull, "wb")
        self.rfile = open(os.devnull, "rb")

    def hold(self):
        """Say nothing until the client has gone."""
        self.wfile.flush()
        self.connection.settimeout(None)
        while self.connection.recv(BLOCK):
            pass
        self.close_connection = True

    # Faults.

    def fault_unknown(self):
        self.send_error_page(501)

    def fault_ok(self):
        body = self.read_file()
        if body is None:
            return
        headers = self.validators(body)
        if self.not_modified(body):
            self.note(304)
            self.send_response(304)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            return
        span = self.wanted_range(body)
        if span is None:
            self.send_head(200, len(body), headers)
            self.send_body(body)
        elif span == ():
            headers.append(("Content-Range", "bytes */%d" % len(body)))
            self.send_head(416, 0, headers)
        else:
            first, end = span
            value = "bytes %d-%d/%d" % (first, end - 1, len(body))
            headers.append(("Content-Range", value))
            self.send_head(206, end - first, headers)
            self.send_body(body[first:end])

    def fault_reset(self):
        if "after" in self.options:
            body = self.start_body()
            if body is not None:
                self.send_body(body[: self.option("after", 0)])
                self.wfile.flush()
                # RST discards what the client has not read yet.
                time.sleep(0.05)
        else:
            self.note("-")
        self.reset()

    def fault_stall(self):
        after = self.option("after", 0)
        if after < 0:
            self.note("-")
        else:
            body = self.start_body()
            if body is None:
                return
            self.send_body(body[:after])
        self.hold()

    def fault_truncate(self):
        body = self.start_body()
        if body is not None:
            self.send_body(body[: self.option("after", len(body) // 2)])

    def fault_long(self):
        body = self.read_file()
        if body is not None:
            body += b"x" * self.option("extra", 4096)
            self.send_head(200, len(body), self.validators(body))
            self.send_body(body)

    def fault_other(self):
        body = self.read_file(self.options.get("with"))
        if body is None:
            return
        if "with" not in self.options:
            body = bytes(255 - byte for byte in body)
        self.send_head(200, len(body), self.validators(body))
        self.send_body(body)

    def fault_status(self):
        self.send_error_page(self.option("code", 500))

    def fault_html(self):
        body = b"<!DOCTYPE html>\n<title>Log in</title>\n<p>Welcome.</p>\n"
        headers = [("Content-Type", "text/html")]
        self.send_head(200, len(body), headers)
        self.send_body(body)

    def fault_endless(self):
        body = self.read_file()
        if body is None:
            return
        self.send_head(200, None)
        self.send_body(body)
        while self.command != "HEAD":
            self.wfile.write(bytes(BLOCK))

    def fault_loop(self):
        query = self.path.partition("?")[2]
        turn = int(query) + 1 if query.isdigit() else 1
        self.send_redirect("%s?%d" % (self.path.partition("?")[0], turn), 302)

    def fault_redirect(self):
        self.send_redirect(self.options["to"], self.option("code", 302))

    def send_redirect(self, target, code):
        self.send_head(code, 0, [("Location", target)])

    def fault_trickle(self):
        body = self.start_body()
        if body is None or self.command == "HEAD":
            return
        # Ten times a second, at least a byte each.
        step = max(1, self.option("rate", 100) // 10)
        for i in range(0, len(body), step):
            self.wfile.write(body[i : i + step])
            self.wfile.flush()
            time.sleep(0.1)

    def fault_length(self):
        body = self.read_file()
        if body is not None:
            self.close_connection = True
            length = max(0, len(body) + self.option("by", 1))
            self.send_head(200, length, self.validators(body))
            self.send_body(body)

    def fault_nolength(self):
        body = self.read_file()
        if body is not None:
            self.send_head(200, None, self.validators(body))
            self.send_body(body)

    def fault_chunked(self):
        body = self.read_file()
        if body is None:
            return
        self.note(200)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(0, len(body), 1000):
            part = body[i : i + 1000]
            self.send_body(b"%x\r\n%s\r\n" % (len(part), part))
        self.send_body(b"0\r\n\r\n")

    def fault_plain(self):
        body = self.read_file()
        if body is not None:
            self.send_head(200, len(body))
            self.send_body(body)

    def fault_header(self):
        body = self.read_file()
        if body is None:
            return
        self.close_connection = True
        line = "x" * 1000
        count = self.option("size", 1000000) // 1000
        self.send_head(200, len(body), [("X-Long", line)] * count)
        self.send_body(body)

    def fault_garbage(self):
        self.note("-")
        self.wfile.write(b"\x16\x03\x01\x02\x00" * 20)
        self.close_connection = True

    def fault_delay(self):
        time.sleep(float(self.options.get("seconds", 1)))
        self.fault_ok()


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--root", "--rules", "--log", "--port-file"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    server = Server(args)
    with open(args.port_file + ".new", "w", encoding="ascii") as file:
        file.write("%d\n" % server.server_address[1])
    os.rename(args.port_file + ".new", args.port_file)
    server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
