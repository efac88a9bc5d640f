"""The English vocabulary of the tool search: phrases and synonyms."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.util.english import STOP_WORDS, stem

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[a-z0-9]+(?:\+\+)?")
_CAMEL = re.compile(r"\b[a-z]+(?:[A-Z][a-z0-9]*)+")
_HUMP = re.compile(r"(?=[A-Z])")
_PHRASES = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b(?:pull|merge)[ -]?requests?\b|\b(?:prs?|mrs?)\b", " pullrequest pull request "),
        (r"\bon[ -]call\b", " oncall "),
        (r"\benv(?:ironment)?[ -]var(?:iable)?s?\b", " setting "),
        (r"\b(?:roll(?:ed)?|rolling)[ -]?(?:back|backs)\b", " rollback "),
        (r"\b(?:roll(?:ed)?|rolling)[ -]?outs?\b", " rollout "),
        (r"\b(?:set|sets|setting)[ -]up\b", " create "),
        (r"\b(?:sign|log)(?:s|ged|ging)?[ -](?:in|on)\b", " login "),
        (r"\bsingle[ -]sign[ -]on\b", " sso "),
        (r"\b(?:bring|brought|get|put|change)[ -]back\b", " restore "),
        (r"\b(?:get|got)[ -]rid\b|\btak(?:e|en|ing) (?:away|off)\b|\bthr(?:ow|own) (?:away|out)\b", " delete "),
        (r"\b(?:write|writing|wrote|note|put)[ -]down\b", " record "),
        (r"\bhold(?:ing)?[ -]back\b", " block "),
        (r"\bturn(?:ed|ing)?[ -]on\b|\bswitch(?:ed|ing)?[ -]on\b", " enable "),
        (r"\bturn(?:ed|ing)?[ -]off\b|\bswitch(?:ed|ing)?[ -]off\b", " disable "),
        (r"\bthird[ -]party\b", " external "),
        (r"\bci\b|\bci/cd\b", " ci check "),
    )
)
"""Phrases, and the words that replace them."""
_PHRASE = re.compile("|".join(pattern.pattern for pattern, _ in _PHRASES))

_SAME = (
    "delete remove erase drop destroy discard revoke",
    "create add new make register",
    "update change edit modify patch rename alter adjust",
    "list show display enumerate overview",
    "retrieve show read fetch detail describe view",
    "search find lookup look query locate",
)
"""Words for the same action."""

_ALIKE = (
    "revoke withdraw invalidate disconnect delete cancel",
    "create open introduce",
    "record add create enter note log",
    "update correct replace move set",
    "set assign configure",
    "run trigger start launch execute kick begin",
    "cancel stop abort halt interrupt",
    "restore revert undo rollback recover reopen",
    "archive hide retire shelve",
    "unarchive restore reactivate",
    "block hold freeze forbid stop prevent ban veto",
    "unblock lift release clear resume resolve unfreeze",
    "resolve close settle fix",
    "fix repair remediate mend cure correct",
    "deploy ship rollout promote release launch",
    "release version publish cut ship",
    "version tag release revision",
    "rollout deploy",
    "restart redeploy",
    "pullrequest merge review",
    "commit change revision sha",
    "diff difference compare changelog delta between",
    "ref branch tag",
    "repository repo code git",
    "project service application app microservice system",
    "team group squad crew",
    "owner team maintainer responsible",
    "user person people member account colleague employee profile",
    "member people access join",
    "organization company org tenant",
    "oncall incident outage alert page pager",
    "incident downtime disruption emergency breakdown",
    "vulnerability cve advisory security risk",
    "package library dependency component module",
    "deprecated forbid obsolete outdated",
    "sbom component bill material",
    "config setting configuration option preference toggle",
    "key token credential secret password",
    "rotate renew regenerate exchange",
    "environment stage env",
    "permission right privilege access grant allow",
    "role permission",
    "history trend past develop timeline time",
    "history log audit activity event trail feed",
    "log message output trace",
    "status state condition progress",
    "health score quality rating grade status",
    "policy rule criterion",
    "document page doc wiki article runbook manual guide",
    "comment remark thread discussion reply conversation",
    "reply answer respond",
    "note remark annotation",
    "acknowledge confirm approve",
    "like favorite heart",
    "read view visit open",
    "template pattern boilerplate",
    "blueprint schema attribute template",
    "schema field attribute property structure column",
    "webhook hook callback notification",
    "login sso authentication signin provider",
    "identity connection linked connect account",
    "upload file attachment image picture",
    "sync resync refresh reload import backfill pull",
    "tag label keyword",
    "type kind category",
    "relationship depend dependency relation edge",
    "link url address shortcut",
    "plugin extension addon adapter",
    "integration connection connector external tool",
    "server endpoint host",
    "check test build pipeline verify",
    "test try probe verify",
    "metric statistic number count dashboard figure",
    "analytic statistic report usage",
    "maintenance job housekeeping task operation",
    "graph database cypher",
    "draft write generate compose",
    "contribution activity work",
    "robot bot machine service",
    "current latest newest running live",
    "enable activate allow",
    "disable deactivate",
    "drift pending unreleased awaiting",
    "analysis finding problem issue violation",
)
"""Synonyms in this field. A word may be in several lines."""

READING = frozenset({"list", "get", "search", "find", "read", "show", "fetch", "retrieve", "query", "count", "compare"})
"""The verbs of tools that change nothing."""

_CHANGING = """
    create add new make register delete remove erase drop destroy revoke update change edit modify patch rename set
    replace move cancel stop start run trigger deploy publish block unblock archive restore rotate enable disable
    assign grant record write upload import sync resync refresh fix resolve approve acknowledge reply
"""


@lru_cache(maxsize=20_000)
def _term(word: str) -> str:
    return "" if word in STOP_WORDS or len(word) == 1 else stem(word)


def terms(text: str) -> list[str]:
    """Return the stems of a text in their order, without stop words."""
    text = _CAMEL.sub(lambda match: _HUMP.sub(" ", match[0]), text.replace("_", " ")).lower()
    if _PHRASE.search(text):
        for pattern, instead in _PHRASES:
            text = pattern.sub(instead, text)
    return [term for word in _WORD.findall(text) if (term := _term(word))]


def _related(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    related: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        group = {stem(word) for word in line.split()}
        for term in group:
            related[term] |= group - {term}
    return {term: frozenset(others) for term, others in related.items()}


SAME = _related(_SAME)
"""For a stem, the stems of words for the same action."""

ALIKE = _related(_ALIKE)
"""For a stem, the stems of its synonyms."""

CHANGING = frozenset(map(stem, _CHANGING.split()))
"""The stems of words that ask for a change."""
