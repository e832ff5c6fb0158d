"""Every setting of Ciranda in one typed class: flags first, then the environment (`CIRANDA_*`), then a TOML file.

This module never opens a socket and reads no file but the TOML one. A field is named as its flag, with `_` for `-`.
"""

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=0, le=65535)]
Strings = Annotated[tuple[str, ...], NoDecode]

_HOST_AND_PORT = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
STUN_URL = re.compile(rf"stuns?:{_HOST_AND_PORT}")
"""RFC 7064"""
TURN_URL = re.compile(rf"turns?:{_HOST_AND_PORT}(?:\?transport=(?:udp|tcp))?")
"""RFC 7065"""
SHORTEST_SECRET = 16
"""Characters of a secret, of an API key or of a TURN server."""


class Settings(BaseSettings):
    """Settings of one server. `ValueError` (pydantic's `ValidationError`) names the field that cannot be used."""

    model_config = SettingsConfigDict(env_prefix="CIRANDA_", frozen=True, extra="forbid", hide_input_in_errors=True)

    config: Path | None = Field(None, description="TOML file with settings, by the names of the flags with _ for -")

    http_host: str = Field("127.0.0.1", description="address of HTTP and WebSocket")
    http_port: Port = Field(8080, description="port of HTTP and WebSocket; 0 picks a free one")
    media_host: str | None = Field(None, description="address of media; by default that of HTTP")
    media_port: Port = Field(3478, description="UDP port of media, and TCP port; 0 picks a free one")
    media_tcp: bool = Field(True, description="take media over TCP too, for networks without UDP")
    advertise_ip: Strings = Field((), description="address that clients reach media at, if not media-host (repeatable)")
    api_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="KEY:SECRET that signs tokens (repeatable); without any, rooms are open"
    )
    insecure: bool = Field(False, description="allow open rooms beyond loopback")
    workers: int = Field(1, ge=1, le=64, description="media threads; each takes the next UDP port")
    tls_cert: Path | None = Field(None, description="PEM certificate chain for HTTPS")
    tls_key: Path | None = Field(None, description="PEM private key for HTTPS")
    log_format: Literal["console", "json"] = Field("console", description="how log lines look: console or json")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged: debug, info, warning or error"
    )
    ice_server: Strings = Field((), description="STUN URL handed to clients (repeatable)")
    turn_server: Strings = Field((), description="TURN URL handed to clients with a password of theirs (repeatable)")
    turn_secret: SecretStr | None = Field(None, description="what the TURN server knows as static-auth-secret")
    turn_ttl_seconds: int = Field(86_400, ge=60, description="how long a TURN password is good for a new relay")
    cors_origin: Strings = Field(
        ("*",), description="origins of other sites whose pages may use this server (repeatable)"
    )

    max_rooms: int = Field(1_000, ge=1, description="rooms at once")
    max_participants: int = Field(1_000, ge=1, description="participants a room, viewers included")
    max_tracks: int = Field(8, ge=1, description="tracks that one participant may publish")
    max_slots: int = Field(64, ge=1, description="m-lines on which one participant may receive")
    max_message_bytes: int = Field(524_288, ge=4_096, description="a WebSocket message")
    max_sdp_bytes: int = Field(262_144, ge=4_096, description="a session description")
    joins_per_second: float = Field(20.0, gt=0, description="joins a second from one address, beyond a burst")
    join_burst: int = Field(100, ge=1, description="joins at once from one address")
    messages_per_second: float = Field(
        50.0,
        gt=0,
        description="messages a second from one participant, or WHIP requests from an address, beyond a burst",
    )
    message_burst: int = Field(200, ge=1, description="messages at once from one participant")
    outgoing_messages: int = Field(1_000, ge=10, description="messages queued for one slow reader before it is let go")
    resume_seconds: float = Field(15.0, ge=0, description="how long a participant without signalling is kept")
    direct_calls: bool = Field(True, description="two in a room go directly where both can; off hides addresses")
    direct_return_seconds: float = Field(5.0, ge=0, description="of two alone before they go directly again")
    direct_rest_seconds: float = Field(60.0, ge=0, description="before a direct path that did not do is tried again")
    direct_rest_most_seconds: float = Field(
        600.0, ge=0, description="the longest such rest: it doubles with every path that did not do"
    )
    direct_timeout_seconds: float = Field(
        10.0, gt=0, description="for a direct path to carry media, else it is given up"
    )
    direct_margin_seconds: float = Field(
        0.02, ge=0, description="by which the direct round trip may be longer than over the server"
    )
    heartbeat_seconds: float = Field(20.0, gt=0, description="between WebSocket pings")
    token_leeway_seconds: float = Field(5.0, ge=0, description="clock difference allowed in a token's times")
    trusted_proxy: Strings = Field((), description="network whose X-Forwarded-For is believed (repeatable)")
    max_waiting: int = Field(100, ge=1, description="people in a room's waiting room")
    max_waiting_per_address: int = Field(50, ge=1, description="people of one address in a room's waiting room")
    waiting_seconds: float = Field(600.0, gt=0, description="how long somebody may wait to be let in")
    max_file_bytes: int = Field(26_214_400, ge=0, description="a file dropped into a room; 0 takes none")
    max_person_file_bytes: int = Field(104_857_600, ge=0, description="files that one participant may share")
    max_room_file_bytes: int = Field(262_144_000, ge=0, description="files in one room")
    max_server_file_bytes: int = Field(1_073_741_824, ge=0, description="files in all rooms")
    files_directory: Path | None = Field(None, description="where files lie while their room lasts; by default, /tmp")
    chat_history_messages: int = Field(100, ge=0, description="texts kept for those who come later")
    chat_history_bytes: int = Field(65_536, ge=0, le=200_000, description="bytes of those texts")
    max_connections: int = Field(10_000, ge=1, description="HTTP connections at once, WebSockets included")
    max_connections_per_address: int = Field(2_000, ge=1, description="HTTP connections from one address")
    request_timeout_seconds: float = Field(10.0, gt=0, description="from an open HTTP connection to its first request")
    join_timeout_seconds: float = Field(10.0, gt=0, description="from an open WebSocket to its join")
    dtls_timeout_seconds: float = Field(10.0, gt=0, description="from the first valid check to DTLS connected")
    consent_seconds: float = Field(
        30.0, gt=0, description="without a valid check until a transport is closed (RFC 7675)"
    )
    ice_timeout_seconds: float = Field(30.0, gt=0, description="from an answer to the first valid check")
    shutdown_seconds: float = Field(5.0, gt=0, description="for closing sessions after SIGTERM")

    @field_validator(
        "advertise_ip", "api_key", "ice_server", "turn_server", "cors_origin", "trusted_proxy", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("advertise_ip")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            ipaddress.ip_address(address)
        return value

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not os.access(value, os.R_OK):
            raise ValueError(f"{value} {'cannot be read' if value.exists() else 'does not exist'}")
        return value

    @field_validator("trusted_proxy")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    @field_validator("ice_server")
    @classmethod
    def _stun_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if not STUN_URL.fullmatch(url):
                raise ValueError(f"{url!r} is not like stun:HOST:PORT (TURN servers are given as turn_server)")
        return value

    @field_validator("turn_server")
    @classmethod
    def _turn_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if not TURN_URL.fullmatch(url):
                raise ValueError(f"{url!r} is not like turn:HOST:PORT?transport=udp or turns:HOST:PORT?transport=tcp")
        return value

    @field_validator("turn_secret")
    @classmethod
    def _turn_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
        return value

    @field_validator("api_key")
    @classmethod
    def _keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, pair in enumerate(value, start=1):
            key, _, secret = pair.get_secret_value().partition(":")
            if not key or len(secret) < SHORTEST_SECRET:
                raise ValueError(
                    f"entry {number} must be KEY:SECRET with a secret of at least {SHORTEST_SECRET} characters"
                )
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if bool(self.turn_server) != (self.turn_secret is not None):
            raise ValueError("turn_server and turn_secret go together")
        if not self.api_key and not self.insecure and not is_loopback(self.http_host):
            raise ValueError(
                f"http_host {self.http_host} is reachable from outside: give an api_key, or insecure for open rooms"
            )
        if not self.api_key and not self.insecure and not is_loopback(self.effective_media_host):
            raise ValueError(
                f"media_host {self.media_host} is reachable from outside: give an api_key, or insecure for open rooms"
            )
        return self

    @property
    def effective_media_host(self) -> str:
        """Where media listens: `media_host`, else `http_host`."""
        return self.media_host if self.media_host is not None else self.http_host

    @property
    def api_secrets(self) -> dict[str, str]:
        """API key → secret. Never log it."""
        pairs = (pair.get_secret_value().partition(":") for pair in self.api_key)
        return {key: secret for key, _, secret in pairs}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = init_settings().get("config") or env_settings().get("config")
        if path is None:
            return init_settings, env_settings
        if not Path(path).is_file():
            raise ValueError(f"config: there is no file {path}")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"config: {path}: {error}") from None


def is_loopback(host: str) -> bool:
    """Whether a numeric address or `localhost` is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
