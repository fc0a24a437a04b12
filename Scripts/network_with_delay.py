#!/usr/bin/env python3
"""Connects virtual network interfaces. What an interface sends has a delay and a limited rate; what it receives has no limit.

    network_with_delay.py MILLISECONDS MEGABYTES_PER_SECOND INTERFACE...

Creates the interfaces (TAP), prints a line when they exist, and forwards frames until it is ended. An interface may be moved
to another network namespace afterwards. Linux only; Linux has a delay of its own, netem, but not every kernel contains it.
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

CREATE_INTERFACE = 0x400454CA  # TUNSETIFF
ETHERNET_FRAMES = 0x0002 | 0x1000  # IFF_TAP | IFF_NO_PI


def interface(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, CREATE_INTERFACE, struct.pack("16sH22x", name.encode(), ETHERNET_FRAMES))
    return descriptor


def main():
    delay, rate = float(sys.argv[1]) / 1e3, float(sys.argv[2]) * 1e6
    interfaces = [interface(name) for name in sys.argv[3:]]
    print("ready", flush=True)
    homes = {}  # the interface of each address
    free = dict.fromkeys(interfaces, 0.0)  # when the sender has sent its last frame
    frames = {i: collections.deque() for i in interfaces}  # (when it arrives, frame), by the interface that sent it
    while True:
        due = min((queue[0][0] for queue in frames.values() if queue), default=None)
        wait = None if due is None else max(0, due - time.monotonic())
        for source in select.select(interfaces, [], [], wait)[0]:
            now = time.monotonic()
            for _ in range(64):
                try:
                    frame = os.read(source, 1 << 16)
                except BlockingIOError:
                    break
                homes[frame[6:12]] = source
                free[source] = max(now, free[source]) + len(frame) / rate
                frames[source].append((free[source] + delay, frame))
        now = time.monotonic()
        for source, queue in frames.items():
            while queue and queue[0][0] <= now:
                frame = queue.popleft()[1]
                home = homes.get(frame[:6])
                for target in [home] if home is not None else [i for i in interfaces if i != source]:
                    try:
                        os.write(target, frame)
                    except OSError:
                        pass  # The interface is down, or its queue is full. TCP sends again what is lost.


main()
