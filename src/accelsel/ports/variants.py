"""Variant properties as a document, for installers that run no provider of others."""

from collections.abc import Mapping
from typing import Any, Protocol


class FeatureLike(Protocol):
    """What of a feature is written."""

    @property
    def name(self) -> str: ...

    @property
    def values(self) -> tuple[str, ...]: ...


def static(features: Mapping[str, tuple[FeatureLike, ...]]) -> dict[str, Any]:
    """The properties in the words of `static-properties` (draft PEP 850): namespace, feature,
    values in order of preference; `default-priorities` keeps the order of the namespaces."""
    return {
        "schema": "accelsel.variants/1",
        "default-priorities": {"namespace": list(features)},
        "static-properties": {
            namespace: {feature.name: list(feature.values) for feature in each}
            for namespace, each in features.items()
        },
    }
