"""The real scripts on a real server, and one read of everything the server then knows."""

import contextlib
import json
import uuid
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import redis

from yivideo.gpu import scripts
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded

Source = Callable[[str], str]

# All keys of a prefix in one answer; requests that have ended only by name and time to live.
_DUMP = """
local P, found = KEYS[1], {}
for _, key in ipairs(redis.call('KEYS', P .. '*')) do
  local name = string.sub(key, #P + 1)
  local kind = redis.call('TYPE', key).ok
  local value
  if kind == 'hash' then
    if string.sub(name, 1, 8) == 'request:' and redis.call('HGET', key, 'state') == 'ended' then
      value = { 'ended', redis.call('TTL', key), redis.call('HGET', key, 'how') }
    else
      value = redis.call('HGETALL', key)
    end
  elseif kind == 'set' then
    value = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then
    value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'list' then
    value = redis.call('LLEN', key)
  elseif kind == 'string' then
    value = 1
  end
  if value then
    found[#found + 1] = { name, kind, value }
  end
end
return cjson.encode(found)
"""
_SAVE = """
local saved = {}
for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  if key ~= KEYS[1] .. 'clock' and key ~= KEYS[1] .. 'events' then
    saved[#saved + 1] = { key, redis.call('DUMP', key), redis.call('PTTL', key) }
  end
end
return saved
"""
_WIPE = """
for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  if key ~= KEYS[1] .. 'clock' then
    redis.call('DEL', key)
  end
end
"""

Copy = list[Any]


class Server:
    """The pool's scripts under a prefix of their own.

    Args:
        url: where the server is.
        source: gives a transition's source; a test may give broken ones.
    """

    def __init__(self, url: str, source: Source = scripts.source) -> None:
        self.client = connect(url, decode=False)
        self.prefix = f"model:{uuid.uuid4().hex[:12]}:"
        self._source = source
        self._shas: dict[str, str] = {}

    def close(self) -> None:
        """Leave nothing behind."""
        self.wipe()
        self.client.delete(self.prefix + "clock")
        self.client.close()

    def fresh(self) -> None:
        """Begin again with nothing, under the next prefix."""
        self.wipe()
        self.client.delete(self.prefix + "clock")

    def _sha(self, name: str, text: str | None = None) -> str:
        if name not in self._shas:
            loaded = self.client.script_load(text or self._source(name))
            self._shas[name] = loaded if isinstance(loaded, str) else loaded.decode()
        return self._shas[name]

    def _eval(self, name: str, text: str) -> Any:
        return self.client.evalsha(self._sha(name, text), 1, self.prefix)

    def run(
        self, name: str, now: int, parameters: Mapping[str, Any], *, look: bool
    ) -> tuple[dict[str, Any], list[list[Any]] | None]:
        """Run one transition at a time; with ``look``, read all that the server knows then."""
        shas = self._sha(name), self._sha("_dump", _DUMP)
        with self.client.pipeline(transaction=False) as pipe:
            pipe.set(self.prefix + "clock", now)
            pipe.evalsha(shas[0], 1, self.prefix, json.dumps(parameters))
            if look:
                pipe.evalsha(shas[1], 1, self.prefix)
            said = pipe.execute()
        return json.loads(said[1]), json.loads(said[2]) if look else None

    def dump(self) -> list[list[Any]]:
        """Every key: [name, type, value]."""
        return json.loads(self._eval("_dump", _DUMP))

    def save(self) -> Copy:
        """A copy of everything but the clock."""
        return self._eval("_save", _SAVE)

    def wipe(self) -> None:
        """Lose everything but the clock."""
        self._eval("_wipe", _WIPE)

    def load(self, saved: Copy) -> None:
        """Come back with an older copy, as another run of the server."""
        self.wipe()
        with self.client.pipeline(transaction=True) as pipe:
            for key, value, ttl in saved:
                pipe.restore(key, max(ttl, 0), value)
            pipe.hset(self.prefix + "meta", "run_id", "another")
            pipe.execute()

    def lengths(self) -> dict[str, str]:
        """The DUMP of each key, to see that nothing changed."""
        return {key.decode(): value.hex() for key, value, _ in self.save()}


@contextlib.contextmanager
def own_server(folder: Path) -> Generator[str]:
    """An embedded Valkey in a folder, stopped at the end."""
    server = embedded(folder)
    try:
        yield server.url
    finally:
        server.stop()
        server.close()


def answers(url: str) -> str | None:
    """Why no server answers there; None when one does."""
    try:
        with contextlib.closing(connect(url)) as client:
            client.ping()
    except redis.exceptions.RedisError as error:
        return f"no Redis answers at {url}: {error}"
    return None
