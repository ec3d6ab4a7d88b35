"""Calls a server with gRPC's own implementation in C, and prints what came of each call as a line of JSON."""

import json
import sys

import grpc

SERVICE = "/shop.v1.Shop/"
KEY = (("x-key", "open"),)


def item(text, index=0):
    """The message Item, in Protobuf."""
    raw = text.encode()
    return b"\x0a" + bytes([len(raw)]) + raw + (b"\x10" + bytes([index]) if index else b"")


def text_of(raw):
    return raw[2 : 2 + raw[1]].decode() if raw else ""


def report(name, call):
    try:
        answers = [text_of(each) for each in call()]
        print(json.dumps({"name": name, "code": "OK", "answers": answers}))
    except grpc.RpcError as error:
        trailers = {key: str(value) for key, value in error.trailing_metadata() or ()}
        print(
            json.dumps(
                {
                    "name": name,
                    "code": error.code().name,
                    "details": error.details(),
                    "status": trailers.get("grpc-status-details-bin", ""),
                }
            )
        )
    sys.stdout.flush()


def kinds(channel, metadata, timeout=20):
    one = {"metadata": metadata, "timeout": timeout}
    many = lambda: iter([item("a"), item("b", 1)])
    return {
        "Get": lambda: [channel.unary_unary(SERVICE + "Get")(item("tea", 1), **one)],
        "Collect": lambda: [channel.stream_unary(SERVICE + "Collect")(many(), **one)],
        "List": lambda: list(channel.unary_stream(SERVICE + "List")(item("tea", 2), **one)),
        "Chat": lambda: list(channel.stream_stream(SERVICE + "Chat")(many(), **one)),
    }


def unary(method, message, metadata=KEY, timeout=20):
    return lambda: [channel.unary_unary(SERVICE + method)(message, metadata=metadata, timeout=timeout)]


with grpc.insecure_channel("127.0.0.1:" + sys.argv[1]) as channel:
    for name, call in kinds(channel, KEY).items():
        report(name, call)
    for name, call in kinds(channel, ()).items():
        report(name + " without a key", call)
    report("twice", unary("Get", item("tea"), KEY + KEY))
    report("unknown", unary("Drop", item("tea")))
    report("large", unary("Get", b"\x0a\xd0\x0f" + b"a" * 2000))
    report("slow", unary("Get", item("wait"), timeout=0.2))
