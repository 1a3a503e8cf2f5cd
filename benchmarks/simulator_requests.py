"""Public requests a second that the simulator answers, client and server in two processes.

python benchmarks/simulator_requests.py [--seconds 5] [--connections 8] [--json]

The mix is what a trading client asks: time, a ticker, an hour's candles, the book. "warm": nothing prints
between two requests, so replies are remembered; "moving": venue time runs at 3,600 times, so they are made
anew again and again.
"""

import argparse
import asyncio
import json
import multiprocessing
from multiprocessing.connection import Connection
from time import perf_counter

from config import trading
from config.instruments import grid_for
from simulator.assembly import open_venue
from simulator.auth import Keys
from simulator.clock import Clock
from simulator.server import Application, Server, address_of, listen
from simulator.tape import HOUR_NS, Tape
from simulator.truth import Truth
from simulator.venue import Venue
from trading.backtest.matching import Bar
from trading.portfolio import Reading
from trading.records import packed, table

REQUESTS = (
    "/0/public/Time",
    "/0/public/Ticker?pair=XBTUSD",
    "/0/public/OHLC?pair=XBTUSD&interval=60",
    "/0/public/Depth?pair=XBTUSD&count=10",
)
NAMES = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD")
FIRST, SHOWN_H, HOURS = 474_000, 721, 9_000


def quiet_venue() -> Venue:
    """Four instruments that move a little every hour."""
    bars = packed(Bar, [Bar(1, 80_000, 80_100, 79_900, 80_000, 10**10)] * len(NAMES) * HOURS)
    readings = table(Reading, HOURS, len(NAMES))
    readings["close"], readings["spread"] = 80_000, 0.0005
    tape = Tape(tuple(map(grid_for, NAMES)), FIRST, readings, bars.reshape(HOURS, -1))
    return open_venue(tape, trading.load(), (FIRST + SHOWN_H) * HOUR_NS, {}, Keys("", ""), Truth())


def serve(speed: float, ready: Connection) -> None:
    """The venue in a process of its own."""
    listener = listen(0)
    Server(Application(quiet_venue(), Clock(speed)), lambda: ready.send(address_of(listener))).run(
        sockets=[listener]
    )


async def ask(port: int, until: float, counts: list[int]) -> None:
    """One connection that asks without a pause."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while perf_counter() < until:
        path = REQUESTS[done % len(REQUESTS)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: simulator\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert body.startswith(b'{"error":[]')
        done += 1
    writer.close()
    counts.append(done)


async def load(port: int, seconds: float, connections: int) -> float:
    """Requests a second over all connections."""
    counts: list[int] = []
    begin = perf_counter()
    await asyncio.gather(*(ask(port, begin + seconds, counts) for _ in range(connections)))
    return sum(counts) / (perf_counter() - begin)


def measure(speed: float, seconds: float, connections: int) -> float:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(speed, there))
    process.start()
    try:
        port = int(here.recv().rsplit(":", 1)[1])
        asyncio.run(load(port, 1.0, connections))
        return asyncio.run(load(port, seconds, connections))
    finally:
        process.terminate()
        process.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = {
        name: measure(speed, options.seconds, options.connections)
        for name, speed in (("warm", 0.0), ("moving", 3_600.0))
    }
    if options.json:
        print(json.dumps(rates))
    else:
        for name, rate in rates.items():
            print(f"{name:8} {rate:10,.0f} requests/s   (wanted: at least 1,000)")


if __name__ == "__main__":
    main()
