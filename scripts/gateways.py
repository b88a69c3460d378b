"""The gateways that scripts/prove-gateway starts: each with its rendered configuration, on free ports."""

import pathlib
import re
import shutil
import subprocess
import sys
import time

from ports import free_ports

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOST = "demo.example.com"
# The longest wait for any event.
LIMIT = 60


def until(what, holds):
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"error: {what}: not within {LIMIT} s")
        time.sleep(0.02)


class Nginx:
    """nginx with the rendered deploy/nginx."""

    # Of the responses that it makes itself: problems, with all headers; the statuses without a replica.
    makes_problems, unavailable = True, (502,)

    def __init__(self, repository, house, replicas):
        self.plain, self.secure = free_ports(2)
        files = repository / "deploy/nginx"
        folder = house / "nginx"
        for name in ("tls", "log", "acme/.well-known/acme-challenge"):
            (folder / name).mkdir(parents=True)
        self.access_log = folder / "log/access.log"
        (folder / "acme/.well-known/acme-challenge/token").write_text("proof")
        certificate(folder / "tls")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = (files / "nginx.conf").read_text().replace("http {", f"http {{ {temporary}", 1)
        for port, free in ((80, self.plain), (443, self.secure)):
            text = replace(text, f"listen {port} ", f"listen 127.0.0.1:{free} ")
            text = replace(text, f"listen [::]:{port} ", f"listen [::1]:{free} ")
        text = replace(text, "/var/log/nginx", f"{folder}/log")
        (folder / "nginx.conf").write_text(replace(text, "/var/www/acme", f"{folder}/acme"))
        upstream = (files / "upstream.conf").read_text()
        for port, replica in zip((8080, 8081), replicas):
            upstream = replace(upstream, f"127.0.0.1:{port} ", f"127.0.0.1:{replica.port} ")
        (folder / "upstream.conf").write_text(upstream)
        program = shutil.which("nginx") or ROOT / "target/referees/bin/nginx"
        self.command = [program, "-c", folder / "nginx.conf", "-g", f"pid {folder}/pid; daemon off;"]
        subprocess.run([*self.command, "-t", "-q"], check=True)
        self.process = subprocess.Popen(self.command)

    def reload(self, _=None):
        before = self.workers()
        subprocess.run([*self.command, "-s", "reload"], check=True, capture_output=True)
        until("nginx has other workers", lambda: self.workers() - before)

    def drain(self, replica):
        """As docs/gateway.md says: nginx asks no replica whether it is ready."""
        path = self.access_log.parents[1] / "upstream.conf"
        path.write_text(replace(path.read_text(), f"127.0.0.1:{replica.port} ", f"127.0.0.1:{replica.port} down "))
        self.reload()

    def workers(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout
        return set(children.split())


class Traefik:
    """Traefik with the rendered deploy/traefik; its own responses are texts, with HSTS alone."""

    # 503 once it knows that no replica is ready.
    makes_problems, unavailable = False, (502, 503)

    def __init__(self, repository, house, replicas):
        self.plain, self.secure = free_ports(2)
        files, folder = repository / "deploy/traefik", house / "traefik"
        (folder / "tls").mkdir(parents=True)
        certificate(folder / "tls")
        text = replace((files / "traefik.yaml").read_text(), "/etc/traefik", str(folder))
        for port, free in ((80, self.plain), (443, self.secure)):
            text = replace(text, f'":{port}"', f'"127.0.0.1:{free}"')
        (folder / "traefik.yaml").write_text(text)
        self.dynamic, self.reloads = folder / "dynamic.yaml", 0
        text = replace((files / "dynamic.yaml").read_text(), "/etc/traefik", str(folder))
        for port, replica in zip((8080, 8081), replicas):
            text = replace(text, f"127.0.0.1:{port}\n", f"127.0.0.1:{replica.port}\n")
        self.dynamic.write_text(text)
        program = shutil.which("traefik") or ROOT / "target/referees/venv/bin/traefik"
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen([program, f"--configFile={folder}/traefik.yaml"], stdout=log, stderr=log)

    def reload(self, hsts):
        text = self.dynamic.read_text()
        age = re.search(r"max-age=(\d+)", text)[1]
        changed = str(int(age) + 1)
        # It watches the folder: the file changes as a whole.
        new = self.dynamic.with_name("new")
        new.write_text(replace(text, age, changed))
        new.rename(self.dynamic)
        until("Traefik has the change", lambda: changed in hsts())

    def drain(self, _):
        """It asks each replica whether it is ready."""


def replace(text, before, after):
    if before not in text:
        sys.exit(f"error: the configuration has no {before!r}")
    return text.replace(before, after)


def certificate(folder):
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "privkey.pem"]
    command = ["openssl", "req", "-x509", *key, *names, "-days", "2", "-out", folder / "fullchain.pem"]
    subprocess.run(command, check=True, capture_output=True)


GATEWAYS = {"nginx": Nginx, "traefik": Traefik}
