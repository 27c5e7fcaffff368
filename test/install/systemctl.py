#!/usr/bin/env python3
"""Stands in for systemctl and PID 1 where systemd does not run: starts what a unit says, waits for READY=1, stops it.

Knows the verbs and the settings that the installer and funkygibbon.service use, and refuses others.
"""
import glob, os, pwd, shlex, signal, socket, subprocess, sys, time

RUN = "/run/stand-in"
UNITS = "/etc/systemd/system"


def settings(unit):
    """The unit with its drop-ins: {section.key: [values]}."""
    found = {}
    files = [f"{UNITS}/{unit}"] + sorted(glob.glob(f"{UNITS}/{unit}.d/*.conf"))
    for path in files:
        section = ""
        for line in open(path):
            line = line.strip()
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                key, value = line.split("=", 1)
                found.setdefault(f"{section}.{key}", []).append(value)
    return found


def pid_of(unit):
    try:
        pid = int(open(f"{RUN}/{unit}.pid").read())
        os.kill(pid, 0)
        # A process that has ended and was not waited for still has its number.
        return None if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z" else pid
    except (OSError, ValueError):
        return None


def is_active(unit):
    return pid_of(unit) is not None and os.path.exists(f"{RUN}/{unit}.ready")


def start(unit):
    if is_active(unit):
        return 0
    found = settings(unit)
    one = lambda key: found.get(f"Service.{key}", [""])[-1]
    if one("Type") != "notify":
        sys.exit("only Type=notify is known here")
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        # Whoever called waits for the ends of these: a real systemd is another process.
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        for other in range(3, 256):
            if other != writer:
                try:
                    os.close(other)
                except OSError:
                    pass
        supervise(unit, one, found, writer)
        os._exit(0)
    os.close(writer)
    return 0 if os.read(reader, 1) == b"r" else 1


def supervise(unit, one, found, writer):
    user = pwd.getpwnam(one("User"))
    notify = f"{RUN}/{unit}.notify"
    for leftover in (notify, f"{RUN}/{unit}.ready"):
        if os.path.exists(leftover):
            os.unlink(leftover)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(notify)
    os.chmod(notify, 0o777)
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": notify}
    for kind, place in (("State", "/var/lib"), ("Cache", "/var/cache")):
        folder = f"{place}/{one(kind + 'Directory')}"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
        env[f"{kind.upper()}_DIRECTORY"] = folder
    for assignment in found.get("Service.Environment", []):
        env.update(word.split("=", 1) for word in shlex.split(assignment))
    log = open(f"{RUN}/{unit}.log", "ab")
    child = subprocess.Popen(
        shlex.split(one("ExecStart")), env=env, cwd=one("WorkingDirectory") or "/", umask=0o077,
        user=user.pw_uid, group=user.pw_gid, extra_groups=[],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    open(f"{RUN}/{unit}.pid", "w").write(str(child.pid))
    receiver.settimeout(0.05)
    while True:
        try:
            data, fds, _, _ = socket.recv_fds(receiver, 65536, 4)
            for fd in fds:
                os.close(fd)
            if b"READY=1" in data:
                open(f"{RUN}/{unit}.ready", "w").close()
                os.write(writer, b"r")
                os.close(writer)
                writer = -1
        except socket.timeout:
            pass
        if child.poll() is not None:
            if writer != -1:
                os.write(writer, b"f")
            return


def stop(unit):
    pid = pid_of(unit)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        for _ in range(600):
            if pid_of(unit) is None:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, signal.SIGKILL)
    for ending in ("pid", "ready"):
        if os.path.exists(f"{RUN}/{unit}.{ending}"):
            os.unlink(f"{RUN}/{unit}.{ending}")
    return 0


os.makedirs(RUN, exist_ok=True)
verb, *words = [word for word in sys.argv[1:] if not word.startswith("-")]
flags = [word for word in sys.argv[1:] if word.startswith("-")]
unit = words[0] if words else ""
if unit and not os.path.exists(f"{UNITS}/{unit}"):
    sys.exit(5)
if verb == "is-active":
    sys.exit(0 if is_active(unit) else 3)
elif verb == "start":
    sys.exit(start(unit))
elif verb == "stop":
    sys.exit(stop(unit))
elif verb == "restart":
    stop(unit)
    sys.exit(start(unit))
elif verb == "disable":
    sys.exit(stop(unit) if "--now" in flags else 0)
elif verb in ("daemon-reload", "enable", "reset-failed"):
    sys.exit(0)
sys.exit(f"systemctl {verb} is not known here")
