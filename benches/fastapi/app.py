"""The service of benches/standard as FastAPI has it: the routes that are measured.

Tables are those of the generated service's migrations, and so are the paths, the bodies and the
practices. What costs time is done as is known to be fast: Core instead of the ORM, statements that
are built once, no transaction around one of them, bytes of JSON from the cache to the client, orjson.
"""

import asyncio
import base64
import hashlib
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import jwt
import orjson
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import Row, bindparam, insert, select, text, tuple_
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

import practices
import stores
from stores import autocommit, engine, orders, refresh_tokens, sessions, settings, users

app = FastAPI(
    title="demo",
    openapi_url="/api-docs/openapi.json",
    max_body_size=settings.body_limit_bytes,
    # Metrics are those of practices.py.
    telemetry={"tracing": False, "metrics": False, "logs": False},
)


# --- Who is asking

ALGORITHM = "HS256"
KEYS = settings.keys
SIGNING_KID = next(iter(KEYS))
REQUIRED = {"require": ["exp", "nbf", "iss", "aud", "sub", "sid"]}


class CurrentUser(BaseModel):
    id: uuid.UUID
    session: str
    role: str


def unauthorized(detail: str = "This needs a valid token.") -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


async def signed_in(request: Request) -> CurrentUser:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized()
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        issuer = settings.auth_issuer
        claims = jwt.decode(token, key, [ALGORITHM], REQUIRED, audience=issuer, issuer=issuer, leeway=5)
    except (jwt.InvalidTokenError, KeyError):
        raise unauthorized() from None
    if await stores.is_denied(claims["sid"]):
        raise unauthorized()
    return CurrentUser(id=claims["sub"], session=claims["sid"], role=claims["role"])


# --- Accounts

auth = APIRouter(prefix="/auth", tags=["auth"])
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
NOBODY = HASHER.hash(secrets.token_hex())
# Each takes 19 MiB.
HASHING = asyncio.Semaphore(settings.share(settings.auth_hash_concurrency))
ACCOUNT = select(users.c.id, users.c.password_hash, users.c.role).where(users.c.email == bindparam("email"))


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=254)]
    password: Annotated[SecretStr, Field(max_length=128)]


class TokenPair(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"
    expires_in: int = settings.auth_access_ttl


def fits(hash: str, password: str) -> bool:
    try:
        return HASHER.verify(hash, password)
    except VerifyMismatchError:
        return False


@auth.post("/login")
async def login(body: Credentials, request: Request) -> TokenPair:
    email, address = body.email.lower(), request.client.host
    if await stores.too_many_attempts(email, address):
        raise HTTPException(429, "Too many attempts.", {"retry-after": str(settings.auth_lockout)})
    async with autocommit.connect() as db:
        account = (await db.execute(ACCOUNT, {"email": email})).one_or_none()
    async with HASHING:
        # The same work for an account that does not exist. The hash is made without the GIL.
        hash = account.password_hash if account else NOBODY
        right = await asyncio.to_thread(fits, hash, body.password.get_secret_value())
    if not (account and right):
        raise unauthorized("The address or the password is wrong.")
    await stores.forget_attempts(email, address)

    now, session, refresh = datetime.now(UTC), stores.uuid7(), secrets.token_urlsafe(32)
    expires = now + timedelta(seconds=settings.auth_refresh_ttl)
    token = {"hash": hashlib.sha256(refresh.encode()).hexdigest(), "session_id": session, "issued_at": now}
    async with engine.begin() as db:
        row = {"id": session, "user_id": account.id, "begun_at": now, "expires_at": expires}
        await db.execute(insert(sessions), row)
        await db.execute(insert(refresh_tokens), token)
    seconds, issuer = int(time.time()), settings.auth_issuer
    claims = {"iss": issuer, "aud": issuer, "sub": str(account.id), "sid": str(session), "role": account.role}
    claims |= {"nbf": seconds, "exp": seconds + settings.auth_access_ttl, "jti": str(uuid.uuid4())}
    access = jwt.encode(claims, KEYS[SIGNING_KID], ALGORITHM, {"kid": SIGNING_KID})
    return TokenPair(access_token=access, refresh_token=refresh)


@auth.post("/logout", status_code=204)
async def logout(user: Annotated[CurrentUser, Depends(signed_in)]) -> None:
    await stores.deny(user.session)


# --- Orders

api = APIRouter(prefix="/api/v1", tags=["orders"], dependencies=[Depends(signed_in)])
COLUMNS = list(orders.c)
NAMES = [str(column.name) for column in COLUMNS]
FIND = select(*COLUMNS).where(orders.c.id == bindparam("id"))
CREATE = insert(orders).returning(*COLUMNS)
PLACE = tuple_(orders.c.created_at, orders.c.id)


class NewOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer_id: uuid.UUID
    status: Literal["draft", "paid", "shipped"] = "draft"
    total: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
    note: Annotated[str, Field(max_length=65536)] | None = None


class Order(NewOrder):
    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    version: int


class Page(BaseModel):
    items: list[Order]
    next_cursor: str | None


class Listing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: str | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"
    status: Literal["draft", "paid", "shipped"] | None = None


def named(row: Row) -> dict[str, Any]:
    return dict(zip(NAMES, row, strict=True))


def as_json(content: Any) -> bytes:
    # UUIDs and times are orjson's own; what is left are decimals.
    return orjson.dumps(content, default=str)


def answer(json: bytes, status: int = 200, **headers: str) -> Response:
    return Response(json, status, headers, media_type="application/json")


def tag(json: bytes) -> str:
    """The version, which is what JSON of an order ends with."""
    return f'"{json[json.rindex(b":") + 1 : -1].decode()}"'


@api.get("/orders/{id}", response_model=Order)
async def get_order(id: uuid.UUID, request: Request) -> Response:
    async def load() -> bytes | None:
        async with autocommit.connect() as db:
            row = (await db.execute(FIND, {"id": id})).one_or_none()
        return as_json(named(row)) if row else None

    json = await stores.get_or_load(f"order:{id}", load)
    if json is None:
        raise HTTPException(404, "There is nothing at this address.")
    etag = tag(json)
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    return answer(json, ETag=etag)


@api.get("/orders", response_model=Page)
async def list_orders(listing: Annotated[Listing, Query()]) -> Response:
    query = select(*COLUMNS).limit(listing.limit + 1)
    down = listing.sort.startswith("-")
    query = query.order_by(*(column.desc() if down else column for column in PLACE.clauses))
    if listing.status:
        query = query.where(orders.c.status == listing.status)
    if listing.cursor:
        place = read_cursor(listing.cursor)
        query = query.where(PLACE < place if down else PLACE > place)
    async with autocommit.connect() as db:
        rows = [named(row) for row in await db.execute(query)]
    more = len(rows) > listing.limit
    rows = rows[: listing.limit]
    return answer(as_json({"items": rows, "next_cursor": cursor(rows[-1]) if more else None}))


def cursor(last: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(as_json([last["created_at"], last["id"]])).decode()


def read_cursor(text: str) -> tuple[datetime, uuid.UUID]:
    try:
        created_at, id = orjson.loads(base64.urlsafe_b64decode(text))
        return datetime.fromisoformat(created_at), uuid.UUID(id)
    except ValueError:
        raise HTTPException(422, "The cursor is none.") from None


@api.post("/orders", response_model=Order, status_code=201)
async def create_order(new: NewOrder) -> Response:
    try:
        async with autocommit.connect() as db:
            order = named((await db.execute(CREATE, {"id": stores.uuid7(), **dict(new)})).one())
    except IntegrityError:
        raise HTTPException(409, "It belongs together with something that is not there.") from None
    json = as_json(order)
    return answer(json, 201, Location=f"/api/v1/orders/{order['id']}", ETag=tag(json))


# --- Health


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/health/ready")
async def ready() -> Response:
    async def database() -> None:
        async with autocommit.connect() as db:
            await db.execute(text("SELECT 1"))

    async with asyncio.timeout(1):
        of_database, of_redis = await asyncio.gather(database(), stores.store.ping(), return_exceptions=True)
    if isinstance(of_database, Exception):
        raise HTTPException(503, "The service cannot answer right now.")
    status = "degraded" if isinstance(of_redis, Exception) else "ok"
    return answer(as_json({"status": status}))


@app.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(practices.metrics(), media_type="text/plain; version=0.0.4")


app.include_router(auth)
app.include_router(api)
practices.surround(app)
