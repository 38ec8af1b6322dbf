"""Connections to Redis or Valkey: one server, a socket, or a master that Sentinels know."""

import re
import socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.sentinel import Sentinel

from yivideo.errors import UsageError

_CONNECT_S = 2.0
_ANSWER_S = 5.0
# A connection unused for so long is tried before it is used.
_TRY_AFTER_S = 30
_SENTINEL_PORT = 26379
# Asked after 10 s of silence, and taken for dead after 3 questions 5 s apart without an answer.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
}


def connect(url: str, *, decode: bool = True, blocking: bool = False) -> redis.Redis:
    """A client for the server at `url`. Nothing is sent before its first command.

    A broken connection is made anew once, and then tells; a command that was not answered in time
    tells at once. So a command may reach the server twice: what is sent must bear that.

    Args:
        url: `redis://` or `rediss://[user:password@]host[:6379][/db]`, `unix:///path?db=0`, or
            `sentinel://[user:password@]host[:26379],host.../master[?db=0&sentinel_password=...]`.
        decode: answers are text; without it they are bytes.
        blocking: for commands that wait on the server (BLPOP, XREAD BLOCK, pub/sub): an answer may
            take for ever.

    Raises:
        UsageError: the address makes no sense.
    """
    options: dict[str, Any] = {
        "decode_responses": decode,
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": None if blocking else _ANSWER_S,
        "health_check_interval": _TRY_AFTER_S,
        "retry": Retry(ConstantBackoff(0.05), 1, supported_errors=(RedisConnectionError,)),
        # The same answers from every server and every redis-py.
        "protocol": 2,
    }
    scheme = url.partition("://")[0]
    if blocking and scheme != "unix":
        # Nothing is sent while it waits: only so is it noticed that the server's machine is gone.
        options |= {"socket_keepalive": True, "socket_keepalive_options": _KEEPALIVE}
    if scheme not in {"redis", "rediss", "unix", "sentinel"}:
        raise _nonsense(url, "one begins with redis://, rediss://, unix:// or sentinel://")
    try:
        if scheme == "sentinel":
            return _by_sentinel(url, options)
        return redis.Redis.from_url(url, **options)
    except ValueError:
        # What Python says of it may hold a part of a password that was not escaped.
        raise _nonsense(url, "look at its port, its database and its options") from None


def with_database(url: str, database: int) -> str:
    """The same address with another database.

    Raises:
        UsageError: the address makes no sense.
    """
    parts = urlsplit(url)
    if parts.scheme in {"unix", "sentinel"}:
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        # Not geturl(), which drops the empty host of unix:///path.
        return f"{url.partition('?')[0]}?{urlencode({**query, 'db': database})}"
    if parts.scheme not in {"redis", "rediss"}:
        raise _nonsense(url, "one begins with redis://, rediss://, unix:// or sentinel://")
    query = parse_qs(parts.query)
    query.pop("db", None)
    return parts._replace(path=f"/{database}", query=urlencode(query, doseq=True)).geturl()


def without_password(url: str) -> str:
    """The address as it may be shown and logged: with `***` for each password."""
    url = re.sub(r"(?<=://)([^/@:]*):[^?]*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&])((?:\w+_)?password)=[^&]*", r"\1=***", url)


def _nonsense(url: str, why: str) -> UsageError:
    return UsageError(f"{without_password(url)} is no address of a Redis: {why}.")


def _by_sentinel(url: str, options: dict[str, Any]) -> redis.Redis:
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    master = unquote(parts.path.strip("/"))
    if not master:
        raise _nonsense(url, "the name of the master is missing, as in sentinel://host/mymaster")
    unknown = query.keys() - {"db", "sentinel_username", "sentinel_password"}
    if unknown:
        raise _nonsense(url, f'"{min(unknown)}" is not known here')
    if login:
        options |= {"username": unquote(user) or None, "password": unquote(password) or None}
    asking = {
        # A Sentinel answers at once or is asked in vain, also for those who then wait long.
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": _CONNECT_S,
        "username": query.get("sentinel_username"),
        "password": query.get("sentinel_password"),
        # The others are asked next: redis-py alone would ask the same one for seconds.
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    sentinels = Sentinel([_place(place) for place in places.split(",")], sentinel_kwargs=asking)
    return sentinels.master_for(master, db=int(query.get("db", "0")), **options)


def _place(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or _SENTINEL_PORT
