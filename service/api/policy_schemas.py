"""Policies on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.domain.values import Action
from service.policies import Name, PolicyDocument


class PolicyShown(BaseModel):
    """A policy, whole: what its document left unsaid is said."""

    name: str
    in_force: Annotated[bool, Field(description="Whether `KEEPONE_POLICY` names it.")]
    built_in: bool
    created: Annotated[str | None, Field(description="RFC 3339, UTC; null of the one that is shipped.")]
    created_by: Annotated[str | None, Field(description="Id of the key that told of it.")]
    document: PolicyDocument


class PolicyPage(BaseModel):
    items: list[PolicyShown]
    next_cursor: str | None


class Simulation(BaseModel):
    """What is to be tried: a policy by name, or one that is not told of yet."""

    model_config = ConfigDict(extra="forbid")
    policy: Annotated[Name | PolicyDocument, Field(description="A name, or a whole policy.")]
    against: Annotated[Name | None, Field(description="A name; unless given, the policy in force.")] = None
    limit: Annotated[int, Field(ge=1, le=100_000, description="Changes that are listed.")] = 100
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None,
        Field(description="`next_cursor` of the answer before."),
    ] = None


class Outcome(BaseModel):
    """How many contents a policy keeps, would delete, and leaves to a person."""

    keep: int
    delete: int
    review: int
    bytes_deleted: int


class Move(BaseModel):
    before: Action
    after: Action
    contents: int


class StandShown(BaseModel):
    action: Action
    keeper: Annotated[str, Field(description="For whose sake, an image id; its own where it stays for nobody's.")]


class ChangeShown(BaseModel):
    """A content of which the two policies think otherwise, by its oldest image."""

    image_id: str
    content_id: str
    bytes: int
    before: StandShown
    after: StandShown


class Difference(BaseModel):
    """Exactly what would become of the stored collection by one policy, and by another."""

    policy: str
    against: str
    contents: Annotated[int, Field(description="With an active image.")]
    groups: Annotated[int, Field(description="Of contents that were proved to be copies.")]
    before: Outcome
    after: Outcome
    changed: Annotated[int, Field(description="Contents of which action or keeper differ; `items` lists them.")]
    keepers_changed: int
    moves: list[Move]
    items: list[ChangeShown]
    next_cursor: str | None
