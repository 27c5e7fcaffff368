# Receives what services tell systemd: prints one line for each message that came to the Unix datagram socket argv[1].
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("listening", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(receiver, 65536, 4)
    for fd in fds:
        # The barrier that systemd-notify waits at: closing it lets the sender go on.
        os.close(fd)
    if data != b"BARRIER=1":
        print(data.decode().replace("\n", " "), flush=True)
