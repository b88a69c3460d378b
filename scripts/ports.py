"""Free ports of 127.0.0.1, for servers of a test: `free_ports(2)`, or printed on a line: python3 scripts/ports.py 2"""

import socket
import sys


def free_ports(count):
    """Different ones, as all are held until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))
