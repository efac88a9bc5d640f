"""The settings of OpenTelemetry and Prometheus. OpenTelemetry's own library reads the other `OTEL_…` variables."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from shared.util.addresses import Address, check_http_url, parse_metrics_address

HttpUrl = Annotated[str, BeforeValidator(check_http_url)]

HTTP_PROTOCOL = "http/protobuf"
"""The protocol in which the service exports."""


def _name(value: str) -> str:
    return value.strip().lower()


_Name = Annotated[str, BeforeValidator(_name)]


class TelemetrySettings(BaseModel):
    """The part of the settings that says where traces and metrics go."""

    otlp_endpoint: HttpUrl | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_traces_endpoint: HttpUrl | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    otlp_metrics_endpoint: HttpUrl | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    otlp_protocol: _Name | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_PROTOCOL")
    traces_exporter: _Name = Field(default="otlp", alias="OTEL_TRACES_EXPORTER")
    metrics_exporter: _Name = Field(default="otlp", alias="OTEL_METRICS_EXPORTER")
    propagators: str | None = Field(default=None, alias="OTEL_PROPAGATORS")
    is_otel_disabled: bool = Field(default=False, alias="OTEL_SDK_DISABLED")
    metrics_address: Annotated[Address | Literal["service"] | None, BeforeValidator(parse_metrics_address)] = Field(
        default=None, alias="IMBI_ASSISTANT_METRICS_ADDRESS"
    )

    @property
    def exports_traces(self) -> bool:
        """Whether spans are sent to a collector."""
        return self._is_on(self.otlp_traces_endpoint, self.traces_exporter)

    @property
    def exports_metrics(self) -> bool:
        """Whether metrics are sent to a collector."""
        return self._is_on(self.otlp_metrics_endpoint, self.metrics_exporter)

    @property
    def has_telemetry(self) -> bool:
        """Whether there are traces or metrics."""
        return self.exports_traces or self.exports_metrics or self.metrics_address is not None

    @property
    def has_endpoint(self) -> bool:
        """Whether a collector is named."""
        return bool(self.otlp_endpoint or self.otlp_traces_endpoint or self.otlp_metrics_endpoint)

    @property
    def telemetry_variable(self) -> str:
        """The variable that asks for traces or metrics."""
        return "OTEL_EXPORTER_OTLP_ENDPOINT" if self.has_endpoint else "IMBI_ASSISTANT_METRICS_ADDRESS"

    def _is_on(self, endpoint: str | None, exporter: str) -> bool:
        return bool(endpoint or self.otlp_endpoint) and not self.is_otel_disabled and exporter == "otlp"
