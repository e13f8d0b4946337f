"""One frozen tree of settings, validated at start and handed down as an argument.

Sources, the first wins: options of the command line, the environment (`DELEGATOR_<NAME>`, nested names joined by
`__`), `delegator.toml` (in the working folder, or at `DELEGATOR_CONFIG`), the defaults below. They are merged key by
key, so that one nested value may be set alone. Nobody else reads the environment. A wrong value names its key as the
user wrote it and what would be right; an unknown variable or key is an error with a suggestion.

How a finding becomes that error is `delegator/settings_errors.py`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from delegator.errors import SettingsInvalid
from delegator.schemas import (
    Complexity,
    Ladder,
    PowerModel,
    PriceList,
    RoleNames,
    Rung,
    TaskCategory,
    TaskType,
    no_bool,
)
from delegator.settings_errors import CONFIG_VARIABLE, PREFIX, Origin, refuse_unknown_variables, settings_invalid

GB = 1_000_000_000
"""Bytes of a gigabyte, as every size at the surface is counted."""

_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(b|kb|mb|gb|tb|kib|mib|gib|tib|k|m|g|t)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_size(value: Any) -> Any:
    """Read '64GB', '24 GiB' or a number of bytes as bytes; anything but text is passed on."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("is not a size; write for example 64GB or 24GiB")
    number, unit = match.groups()
    unit = (unit or "b").lower()
    return round(float(number) * _UNITS[unit if unit == "b" else unit.removesuffix("b")])


def _with_unit(size_bytes: int) -> int:
    if 0 < size_bytes < 10**6:
        raise ValueError(f"is {size_bytes} bytes, which holds nothing; give a unit, as in 64GB")
    return size_bytes


def _something(size_bytes: int) -> int:
    if size_bytes == 0:
        raise ValueError("is nothing; leave it away for what the machine has")
    return size_bytes


def _postgresql_url(url: str) -> str:
    if not re.match(r"postgres(ql)?(\+psycopg)?://.", url):
        raise ValueError("is not the address of a PostgreSQL database")
    return url


def _http_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
        raise ValueError("is not a web address")
    return url.rstrip("/")


def _webhook_url(url: str) -> str:
    """Take an address as it is, its query too: it may be what names the receiver."""
    if not re.fullmatch(r"https?://[^\s/?#@]+(@[^\s/?#@]+)?([/?][^\s#]*)?", url):
        raise ValueError("is not a web address")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("is not a web address") from None
    return url


def _opinion(word: str) -> str:
    given = word.strip()
    if given.lower() in ("off", "resident"):
        return given.lower()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}", given):
        raise ValueError("is none of off, resident and the name of a model, as in llama3.2:3b")
    if given.lower().endswith((":cloud", "-cloud")):
        raise ValueError("is a model that runs elsewhere; tasks are read on this machine alone")
    return given


def _joined(addresses: Any) -> Any:
    """Read a list of addresses as one text, as the environment would give it; anything else is passed on."""
    listed = isinstance(addresses, list | tuple) and all(isinstance(item, str) for item in addresses)
    return ",".join(addresses) if listed else addresses


def _http_urls(urls: str) -> str:
    found = [_http_url(url.strip()) for url in urls.split(",")]
    if len(set(found)) < len(found):
        raise ValueError("names one endpoint twice")
    return ",".join(found)


SizeBytes = Annotated[
    int, BeforeValidator(parse_size), BeforeValidator(no_bool), Field(ge=0), AfterValidator(_with_unit)
]
Port = Annotated[int, BeforeValidator(no_bool), Field(ge=1, le=65535)]
PortOrNone = Annotated[int, BeforeValidator(no_bool), Field(ge=0, le=65535)]
Count = Annotated[int, BeforeValidator(no_bool), Field(ge=1)]
CountOrNone = Annotated[int, BeforeValidator(no_bool), Field(ge=0)]
Positive = Annotated[float, BeforeValidator(no_bool), Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, BeforeValidator(no_bool), Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=1, allow_inf_nan=False)]


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────────────────────


class ComplexityLimit(BaseModel):
    """What a session of one complexity may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_agents: Count = Field(description="Roles in the team.")
    max_memory_gb: Positive = Field(description="GB of models resident at one time.")


class ComplexityLimits(BaseModel):
    """The limits by complexity; the defaults are the origin's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: ComplexityLimit = ComplexityLimit(max_agents=2, max_memory_gb=10)
    medium: ComplexityLimit = ComplexityLimit(max_agents=4, max_memory_gb=25)
    high: ComplexityLimit = ComplexityLimit(max_agents=6, max_memory_gb=40)
    very_high: ComplexityLimit = ComplexityLimit(max_agents=9, max_memory_gb=50)

    def of(self, level: Complexity) -> ComplexityLimit:
        """Return the limit of one level."""
        limit: ComplexityLimit = getattr(self, level.value)
        return limit


class ResidencySettings(BaseModel):
    """What keeping a model in memory is weighed against, in GB-seconds; `docs/residency.md` tells how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait_price: Positive = Field(
        850, description="GB-seconds that one second of waiting for a load is worth; more holds models longer."
    )
    load_price: Positive = Field(
        200, description="GB-seconds that one second of loading is worth; more loads less often (disk, power)."
    )
    prefetch: bool = Field(True, description="Bring the next speaker's model in while its colleague still writes.")


class StandingRule(BaseModel):
    """What is always wanted of tasks of some kind. A caller's own words stand above it, it above the text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", max_length=60, description="What it is called in reasons.")
    task_types: tuple[TaskType, ...] = Field((), description="It holds for these types of task; empty: for every one.")
    words: tuple[str, ...] = Field((), description="It holds where the text has one of these; empty: for every text.")
    task_category: TaskCategory | None = Field(None, description="The category that then fixes the team.")
    include_roles: RoleNames = Field((), description="Roles that then join.")
    exclude_roles: RoleNames = Field((), description="Roles that then stay out.")
    pin_roles: RoleNames = Field((), description="Roles that are then in the team whatever the limit.")


class AnalysisSettings(BaseModel):
    """How tasks are analysed; `docs/analysis.md` tells how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[StandingRule, ...] = Field((), description="Standing rules about teams, the first stands highest.")
    unheard_share: Share = Field(
        0.02, description="A role of whose words at most this share reached the answer is noted as unheard."
    )
    second_opinion: Annotated[str, AfterValidator(_opinion)] = Field(
        "off",
        description="Whom to ask about a task that can be read in several ways: off (nobody), resident (the smallest "
        "model that is in memory and idle), or a model's name (where it is in memory, or there is memory to spare).",
    )
    second_opinion_s: Annotated[Positive, Field(le=10)] = Field(
        5, description="Real seconds that asking may take; after them the local reading counts."
    )


class AlertSettings(BaseModel):
    """When somebody's attention is wanted; a limit of 0 switches its rule off. `docs/monitor.md` tells how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_share: Share = Field(0.95, description="Share of an endpoint's capacity that models may take.")
    queue_wait_s: NotNegative = Field(300, description="Model seconds a turn may wait.")
    suspect_host: bool = Field(True, description="Tell when an Ollama is suspect.")
    crash_loop: CountOrNone = Field(3, description="Restarts of one agent within crash_loop_s.")
    crash_loop_s: Positive = Field(600, description="Real seconds over which restarts are counted.")
    drift_s: NotNegative = Field(
        60, description="Real seconds since what is shown was last found equal to what Ollama and Ray say."
    )
    disk_free_gb: NotNegative = Field(2, description="GB that must be free where the record is kept.")
    raise_after_s: NotNegative = Field(10, description="Real seconds a rule must be broken before it is told.")
    clear_after_s: NotNegative = Field(30, description="Real seconds it must be kept before that is told.")
    clear_share: Share = Field(0.9, description="Share of its limit below which a figure counts as well again.")
    every_s: Positive = Field(5, description="Real seconds between two looks.")
    webhook: Annotated[str, AfterValidator(_webhook_url)] | None = Field(
        None, repr=False, description="Address that is told by POST when an alert is raised or cleared."
    )
    webhook_deadline_s: Annotated[Positive, Field(le=60)] = Field(5, description="Real seconds it may take to answer.")


class EndpointSettings(BaseModel):
    """One Ollama endpoint, where its address alone does not say enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_http_url)] = Field(description="Where this Ollama answers.")
    memory: Annotated[SizeBytes, AfterValidator(_something)] | None = Field(
        None, description="Memory it has for models. Without it: its share of its machine's."
    )
    node: str | None = Field(None, min_length=1, description="The Ray node it runs on: name, address or id.")
    name: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$", description="What it is called. Without it: ollama, ollama-2, ..."
    )


def _distinct(endpoints: tuple[EndpointSettings, ...]) -> tuple[EndpointSettings, ...]:
    for what in ("url", "name"):
        given = [value for endpoint in endpoints if (value := getattr(endpoint, what)) is not None]
        if len(set(given)) < len(given):
            raise ValueError(f"has two endpoints of one {what}")
    return endpoints


class Prices(PriceList):
    """The prices of the receipt, as they are set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Power(PowerModel):
    """The model of power of the receipt, as it is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(BaseSettings):
    """All that can be set. Durations are real seconds unless a field says model seconds.

    `Settings.load` is the way in; `model_validate` reads no source and takes what it is given.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # a database address may hold a password
    )

    # Where things are.
    home: Path = Field(Path("~/.delegator"), description="Folder of the embedded database, logs and the instance file.")
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address the API listens on. Loopback: whoever reaches it may use it."
    )
    port: Port = Field(8000, description="Port of API, MCP and monitor.")
    dashboard_port: PortOrNone = Field(8265, description="Port of the Ray dashboard; 0 switches it off.")
    metrics_port: PortOrNone = Field(8266, description="Port of the Prometheus metrics; 0 takes a free one.")
    ray_port: PortOrNone = Field(0, description="Port of Ray's head; 0 takes a free one.")
    ray_address: str | None = Field(None, description="Join this Ray ('auto' or an address) instead of starting one.")
    database_url: Annotated[str, AfterValidator(_postgresql_url)] | None = Field(
        None,
        repr=False,
        description="postgresql://user@host/name of an existing server; without it the embedded one is used.",
    )

    # Models.
    models: Literal["auto", "ollama", "simulated"] = Field(
        "auto", description="auto: Ollama where it answers, otherwise simulated models, said plainly."
    )
    ollama_url: Annotated[str, BeforeValidator(_joined), AfterValidator(_http_urls)] = Field(
        "http://127.0.0.1:11434", description="The Ollama endpoint, or several with commas between them."
    )
    endpoints: Annotated[tuple[EndpointSettings, ...], AfterValidator(_distinct)] = Field(
        (),
        description="Tables [[endpoints]] with url, memory, node, name, in place of ollama_url: for endpoints whose "
        "memory or node is to be said.",
    )
    simulated_endpoints: Annotated[Count, Field(le=16)] = Field(
        1, description="How many Ollama hosts are simulated where models are; they share the memory for models."
    )
    catalogue: str = Field(
        "echo", min_length=1, description="echo, compact, single, or the path of a catalogue folder or TOML file."
    )
    memory: Annotated[SizeBytes, AfterValidator(_something)] | None = Field(
        None,
        description="Memory for models, as in 64GB. Without it: that of the graphics processors less 5 %, where there "
        "are any, otherwise the machine's less memory_reserve; 64GB with simulated models.",
    )
    memory_reserve: SizeBytes = Field(
        4 * GB, description="Left to the system and other programs where memory is not given."
    )
    keep_alive_s: Positive = Field(
        600, description="Model seconds Ollama keeps a model that nobody refreshes: what a dead Delegator leaves."
    )
    load_deadline_min_s: Positive = Field(60, description="Model seconds any load may take at least.")
    load_rate_bytes_s: Annotated[Positive, BeforeValidator(parse_size)] = Field(
        0.5 * GB, description="Bytes per second of the slowest disk expected; a load may take three times its time."
    )
    unload_deadline_s: Positive = Field(15, description="Real seconds until /api/ps must confirm an unload.")
    first_token_deadline_s: Positive = Field(300, description="Model seconds from request to first token.")
    token_deadline_s: Positive = Field(120, description="Model seconds between two tokens.")
    max_reply_tokens: Count = Field(512, description="Tokens of a turn at most: an answer of about 400 words.")
    simulator_scale: Positive = Field(10, description="How much faster than life the simulator runs.")

    # Sessions; the first four are the origin's configuration.
    max_concurrent_sessions: Count = Field(10, description="Sessions open at one time.")
    session_timeout_minutes: Positive = Field(60, description="Real minutes without a call or a running turn.")
    auto_cleanup_agents: bool = Field(True, description="Ending a session also ends what no other session holds.")
    complexity_limits: ComplexityLimits = Field(
        ComplexityLimits(), description="What a session may use, by the complexity of its task."
    )
    degradation: Annotated[Ladder, NoDecode] = Field(
        (Rung.WAIT, Rung.EVICT_IDLE, Rung.SMALLER, Rung.MERGE, Rung.REFUSE),
        description="What may be done where a team does not fit the memory, in this order, as in "
        "wait,evict_idle,smaller,merge,refuse. The default changes no role's model where taking turns will do.",
    )
    plan_ttl_s: Positive = Field(600, description="Real seconds for which a plan of plan_session may be applied.")
    turn_attempts: Count = Field(4, description="How often one turn is tried before its task fails.")
    turn_deadline_s: Positive = Field(
        1800, description="Model seconds one turn may take, waiting for its model included."
    )
    turn_patience_s: Positive = Field(
        60, description="Model seconds a turn waits at most while turns on resident models go first."
    )
    create_deadline_s: Positive = Field(600, description="Model seconds until a session must be ready.")
    reconcile_every_s: Positive = Field(3, description="Real seconds between two looks for drift and orphans.")
    actor_start_deadline_s: Positive = Field(60, description="Real seconds an actor process may take to answer.")

    # Decisions.
    analysis: AnalysisSettings = Field(AnalysisSettings(), description="How tasks are analysed.")

    # Attention.
    alerts: AlertSettings = Field(AlertSettings(), description="When somebody's attention is wanted.")

    # The receipt.
    residency: ResidencySettings = Field(
        ResidencySettings(), description="What keeping a model in memory is weighed against."
    )
    prices: Prices = Field(Prices(), description="What the receipt charges for memory and electricity.")
    power: Power = Field(Power(), description="What is assumed to draw power where the machine does not measure it.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Name the sources, the strongest first; the defaults come last by themselves."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file()))

    @classmethod
    def load(cls, **options: Any) -> Self:
        """Merge options (None: not given), environment, file and defaults, and validate.

        Raises:
            SettingsInvalid: a wrong value or an unknown key, with what would be right.
        """
        refuse_unknown_variables(os.environ, cls)
        given = {name: value for name, value in options.items() if value is not None}
        file = config_file()
        try:
            return cls(**given)
        except (OSError, UnicodeDecodeError, TOMLDecodeError) as exc:
            raise SettingsInvalid(str(file), "", f"cannot be read: {exc}", "Mend the file or move it away.") from exc
        except (ValidationError, SettingsError) as exc:
            raise settings_invalid(exc, cls, Origin(given, os.environ, file)) from exc

    @property
    def home_dir(self) -> Path:
        """`home`, absolute, with ~ put in."""
        return self.home.expanduser().absolute()


def config_file() -> Path:
    """Return where the settings file is, or would be.

    Raises:
        SettingsInvalid: `DELEGATOR_CONFIG` names a file that is not there.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        return Path("delegator.toml")
    path = Path(named).expanduser()
    if not path.is_file():
        raise SettingsInvalid(CONFIG_VARIABLE, named, "there is no such file", "Give the path of a TOML file.")
    return path
