"""What outlives a request: the settings, PostgreSQL, Redis, and what is kept there."""

import asyncio
import base64
import random
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable

import redis.asyncio
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from redis.exceptions import RedisError
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Numeric, String, Table, Uuid
from sqlalchemy.ext.asyncio import create_async_engine


class Settings(BaseSettings):
    """From the environment. Durations are in seconds."""

    database_url: SecretStr
    database_max_connections: int = 20  # of all workers
    redis_url: SecretStr
    web_concurrency: int = 1
    auth_signing_keys: SecretStr
    auth_issuer: str = "demo"
    auth_access_ttl: int = 900
    auth_refresh_ttl: int = 7 * 24 * 3600
    auth_hash_concurrency: int = 4  # of all workers
    auth_attempts_per_account: int = 5
    auth_attempts_per_address: int = 20
    auth_lockout: int = 300
    rate_limit_per_minute: int = 100
    cors_origins: list[str] = []
    cache: bool = True
    cache_ttl: int = 300
    cache_negative_ttl: int = 10
    request_timeout: float = 30
    body_limit_bytes: int = 1_048_576
    middleware: str = "asgi"  # or "base": the usual BaseHTTPMiddleware

    @property
    def keys(self) -> dict[str, bytes]:
        """`kid:base64,kid:base64`; the first signs, all verify."""
        pairs = (pair.split(":", 1) for pair in self.auth_signing_keys.get_secret_value().split(","))
        return {kid.strip(): base64.b64decode(key) for kid, key in pairs}

    def share(self, of_all: int) -> int:
        """What one worker gets of a bound on the whole service."""
        return max(1, of_all // self.web_concurrency)


settings = Settings()

# --- PostgreSQL. Core and not ORM: rows go out as they are, and no identity map pays its way.

engine = create_async_engine(
    settings.database_url.get_secret_value().replace("postgres://", "postgresql+asyncpg://", 1),
    pool_size=settings.share(settings.database_max_connections),
    max_overflow=0,
    pool_timeout=3,
    pool_recycle=3600,
    pool_use_lifo=True,
    connect_args={"server_settings": {"statement_timeout": "10000"}},
)
# One round trip for a query, where a transaction would be three.
autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")


def uuid7() -> uuid.UUID:
    """In the order of time, so that an index grows at its end (RFC 9562, 5.7)."""
    high, low = secrets.randbits(12), secrets.randbits(62)
    return uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid),
    Column("status", String),
    Column("total", Numeric(12, 2)),
    Column("note", String),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
    Column("version", BigInteger),
)
users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", String),
    Column("password_hash", String),
    Column("role", String),
)
sessions = Table(
    "auth_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid),
    Column("begun_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
)
refresh_tokens = Table(
    "auth_refresh_tokens",
    metadata,
    Column("hash", String, primary_key=True),
    Column("session_id", Uuid),
    Column("issued_at", DateTime(timezone=True)),
)

# --- Redis, which may fail: then the service goes on without.

# A shorter timeout would fire under load, while the answer waits for the event loop.
store = redis.asyncio.from_url(
    settings.redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=1, max_connections=200
)

ABSENT = b"-"
RELEASE = store.register_script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end")


async def get_or_load(key: str, load: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
    """Cache-aside. What is absent is kept too, and of many who miss one loads."""
    if not settings.cache:
        return await load()
    try:
        kept = await store.get(key)
        if kept is None:
            kept = await _load_once(key, load)
    except RedisError:
        return await load()
    return None if kept == ABSENT else kept


async def _load_once(key: str, load: Callable[[], Awaitable[bytes | None]]) -> bytes:
    lock, token, patience = f"lock:{key}", secrets.token_hex(8), time.monotonic() + 1
    while not await store.set(lock, token, nx=True, px=10_000) and time.monotonic() < patience:
        await asyncio.sleep(0.02)
        if (kept := await store.get(key)) is not None:
            return kept
    value = await load()
    # Spread, so that what was loaded together does not expire together.
    ttl = random.randint(settings.cache_ttl * 1000, settings.cache_ttl * 1200)
    await store.set(key, value or ABSENT, px=ttl if value else settings.cache_negative_ttl * 1000)
    await RELEASE(keys=[lock], args=[token])
    return value or ABSENT


async def is_denied(session: str) -> bool:
    """Whether somebody has logged out of it."""
    return bool(await store.exists(f"denied:{session}"))


async def deny(session: str) -> None:
    """Until no access token of it can be good any more."""
    await store.set(f"denied:{session}", b"1", ex=settings.auth_access_ttl + 60)


async def too_many_attempts(email: str, address: str) -> bool:
    """Counts an attempt to sign in, for the account and for the address."""
    keys = (f"attempts:{email}", f"attempts:{address}")
    async with store.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.incr(key).expire(key, settings.auth_lockout, nx=True)
        made = await pipe.execute()
    return made[0] > settings.auth_attempts_per_account or made[2] > settings.auth_attempts_per_address


async def forget_attempts(email: str, address: str) -> None:
    """It was the owner."""
    await store.pipeline(transaction=False).delete(f"attempts:{email}").decr(f"attempts:{address}").execute()


# The generic cell rate algorithm. KEYS[1]: when the budget is whole again, in microseconds. ARGV: the cost
# of a request, and requests wanted. Returns those granted and those left then.
TAKE = store.register_script("""
local cost, wanted, whole = tonumber(ARGV[1]), tonumber(ARGV[2]), 60000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local used = math.max((tonumber(redis.call('GET', KEYS[1])) or now) - now, 0)
local left = math.floor((whole - used) / cost)
local granted = math.min(wanted, left)
if granted > 0 then
  used = used + granted * cost
  redis.call('SET', KEYS[1], now + used, 'PX', math.ceil(used / 1000))
end
return { granted, left - granted }
""")


class RateLimit:
    """A budget for each client that all workers share, taken from Redis in small lots."""

    def __init__(self, limit: int) -> None:
        self.cost = 60_000_000 // limit
        self.lot = min(max(limit // 20, 1), 100)
        self.held: dict[str, tuple[int, int, float]] = {}

    async def take(self, client: str) -> int | None:
        """How many requests are left; `None` where this one is one too many."""
        now = time.monotonic()
        lot, beyond, until = self.held.get(client, (0, 0, 0.0))
        if lot == 0 or now > until:
            try:
                lot, beyond = await TAKE(keys=[f"rate:{client}"], args=[self.cost, self.lot])
            except RedisError:
                lot, beyond = self.lot, 0
            if lot == 0:
                return None
            if len(self.held) > 100_000:
                self.held.clear()
            until = now + max(1.0, lot * self.cost / 1e6)
        self.held[client] = (lot - 1, beyond, until)
        return lot - 1 + beyond
