# SPDX-License-Identifier: Apache-2.0
"""What every attack of kt-evil-server has to lead to, as the draft and the project's documents have it.

A sighting is a play of steps, the last of which notices: exit code, reason code, alerts that have to be among those
reported. Steps are "strike" and "PERSON VERB"; "PERSON@honest VERB" is somebody to whom the log shows its other, honest
face. Whoever is to notice has to come out with `honest` when nobody attacks."""

from dataclasses import dataclass

CM = "contact-monitoring"
AUDITING = "third-party-auditing"
MANAGEMENT = "third-party-management"


@dataclass
class Sighting:
    attack: str
    who: str
    steps: tuple
    exit: int
    code: str = None
    alerts: tuple = ()
    honest: int = 0
    modes: tuple = (CM, AUDITING, MANAGEMENT)
    kept: bool = True  # what the victim retained is as it was


def steps(text):
    return tuple(step.strip() for step in text.split(","))


def seen(attack, who, play, exit, code=None, alerts=(), **more):
    return Sighting(attack, who, steps(play), exit, code, tuple(alerts), **more)


def newcomer(attack, code, **more):
    return seen(attack, "a newcomer", "strike, newcomer lookup", 1, code, **more)


def returning(attack, code, **more):
    return seen(attack, "who saw the log before", "strike, bob lookup", 1, code, **more)


def forked(attack, play="strike, bob lookup", who="who saw the log before", **more):
    return seen(attack, who, play, 1, "fork", ["fork"], **more)


def rolled_back(attack):
    return seen(attack, "who saw the log before", "strike, bob lookup", 1, "rollback", ["rollback"])


def by_gossip(attack, victim="newcomer lookup", **more):
    return forked(attack, f"strike, {victim}, bob@honest compares {victim.split()[0]}", "gossip: comparing heads", **more)


def contact_alert(attack, kind):
    return seen(attack, "a contact", "strike, bob lookup", 4, alerts=[kind])


def owner_alert(attack, *kinds):
    return seen(attack, "the owner", "strike, alice monitor", 4, alerts=kinds)


def owner(attack, code, exit=1, **more):
    return seen(attack, "the owner", "strike, alice monitor", exit, code, **more)


def publishing(attack, code):
    return seen(attack, "the owner, publishing", "strike, alice add", 1, code)


def contact(attack, code, exit=1):
    return seen(attack, "a contact, monitoring", "strike, bob monitor", exit, code)


def new_owner(attack, code):
    return seen(attack, "a new owner", "strike, mallory takes", 1, code, honest=4)


def auditor(attack, code, play="strike, auditor audit"):
    return seen(attack, "an auditor", play, 1, code)


def auditing(attack, code):
    return seen(attack, "who saw the log before", "strike, bob lookup", 1, code, modes=(AUDITING,))


def managed(attack, code, who="who saw the log before", play="strike, bob lookup"):
    return seen(attack, who, play, 1, code, modes=(MANAGEMENT,))


def deceived(attack, modes):
    """A newcomer believes it, unless an auditor vouches for the real root; whoever saw it is bound to it."""
    return (forked(attack, "strike, newcomer lookup, strike, newcomer heads", "the victim, at the next head", modes=modes),
            newcomer(attack, "auditor-signature", modes=(AUDITING,)))


SIGHTINGS = (
    # --- other histories
    forked("fork-newest"),
    forked("fork-newest-grown"),
    forked("fork-newest-far-grown"),
    forked("fork-two"),
    forked("fork-two-grown"),
    forked("fork-four"),
    forked("fork-four-far-grown"),
    forked("fork-all-but-first"),
    forked("fork-all-but-first-grown"),
    forked("fork-old-entry"),
    by_gossip("fork-old-entry", "stranger joins, stranger lookup"),
    forked("fork-old-date"),
    by_gossip("fork-old-date", "stranger joins, stranger lookup"),
    rolled_back("rollback-one"),
    rolled_back("rollback-three"),
    rolled_back("rollback-other-content"),
    forked("rollback-to-seen-size", "strike, bob lookup, strike, bob lookup"),
    by_gossip("split-view-older"),
    by_gossip("split-view-own-version"),
    forked("split-view-own-version", "strike, newcomer lookup, alice@honest compares newcomer",
           "the owner, comparing heads"),
    # --- dates
    returning("back-dated-entry", "timestamp-order"),
    auditor("back-dated-entry", "timestamp-order"),
    seen("forward-dated-entry", "who saw the log before", "strike, bob lookup", 3, "stale-or-clock"),
    seen("end-of-time", "who saw the log before", "strike, bob lookup", 3, "stale-or-clock"),
    seen("end-of-time", "a newcomer", "strike, newcomer lookup", 3, "stale-or-clock"),
    # --- versions
    contact_alert("insert-unsigned", "unsigned-set"),
    owner_alert("insert-unsigned", "unknown-device", "version-not-mine", "device-removed", "unsigned-set"),
    seen("insert-unsigned", "a newcomer", "strike, newcomer lookup", 4, alerts=["unsigned-set"]),
    contact_alert("insert-other-key", "account-key-changed"),
    owner_alert("insert-other-key", "unknown-device", "version-not-mine", "device-removed", "account-key-changed"),
    contact_alert("insert-old-value", "version-not-mine"),
    owner_alert("insert-old-value", "version-not-mine"),
    contact_alert("insert-swapped-value", "unsigned-set"),
    owner_alert("insert-swapped-value", "version-not-mine"),
    contact_alert("insert-noise", "unsigned-set"),
    owner_alert("insert-noise", "version-not-mine"),
    seen("insert-then-remove", "the victim, monitoring", "strike, newcomer lookup, strike, newcomer monitor", 1,
         "version-missing"),
    auditor("insert-then-remove", "audit-removed-unpublished", "strike, strike, auditor audit"),
    seen("insert-then-replace", "the victim, monitoring", "strike, newcomer lookup, strike, newcomer monitor", 1,
         "head-signature"),
    auditor("insert-then-replace", "audit-removed-unpublished", "strike, strike, auditor audit"),
    newcomer("remove-newest", "greater-version"),
    returning("remove-newest", "version-rollback"),
    owner("remove-newest", "version-rollback"),
    auditor("remove-newest", "audit-removed-unpublished", "strike, auditor audit-all"),
    returning("remove-label", "version-rollback"),
    owner("remove-label", "version-rollback"),
    newcomer("hide-newest", "greater-version"),
    returning("hide-newest", "version-rollback"),
    owner("hide-newest", "version-rollback"),
    newcomer("hide-label", "ladder-key"),
    returning("hide-label", "version-rollback"),
    owner("hide-label", "version-rollback"),
    newcomer("insert-and-hide", "greater-version"),
    returning("insert-and-hide", "greater-version"),
    owner("insert-and-hide", "greater-version"),
    newcomer("skip-a-version", "greater-version"),
    returning("skip-a-version", "greater-version"),
    owner("skip-a-version", "greater-version"),
    # --- heads
    returning("head-other-key", "head-signature"),
    newcomer("head-other-key", "head-signature"),
    returning("head-other-configuration", "head-signature"),
    returning("head-older-signature", "head-signature"),
    returning("head-replayed", "head-size"),
    returning("head-of-no-entries", "head-size"),
    returning("head-of-too-many-entries", "head-size"),
    seen("head-same-to-newcomer", "who never saw the log", "strike, stranger joins", 1, "head-same"),
    returning("head-same-though-grown", "timestamps"),
    seen("answer-replayed", "who saw the answer", "newcomer lookup, strike, newcomer lookup", 1, "head-size"),
    seen("heads-replayed", "who saw the heads", "newcomer heads, strike, newcomer heads", 1, "head-size"),
    # --- the auditor's heads
    auditing("auditor-other", "auditor-signature"),
    auditing("auditor-is-the-log", "auditor-signature"),
    auditing("auditor-other-root", "auditor-signature"),
    auditing("auditor-ahead", "auditor-time"),
    auditing("auditor-of-no-entries", "auditor-size"),
    auditing("auditor-of-more-entries", "auditor-size"),
    auditing("auditor-replayed", "auditor-signature"),
    auditing("auditor-redated", "auditor-signature"),
    auditing("auditor-head-left-out", "malformed-response"),
    returning("auditor-head-put-in", "malformed-response", modes=(CM,)),
    seen("auditor-withheld", "anyone", "strike, bob lookup", 3, "auditor-missing", ["auditor-missing"], modes=(AUDITING,)),
    seen("auditor-behind", "anyone", "strike, bob lookup", 3, "auditor-missing", ["auditor-missing"], modes=(AUDITING,)),
    by_gossip("fork-behind-auditor", modes=(AUDITING,)),
    forked("fork-behind-auditor", modes=(AUDITING,)),
    # --- searches
    newcomer("swapped-label", "vrf", modes=(CM, AUDITING)),
    returning("swapped-label", "version-rollback", modes=(CM, AUDITING)),
    managed("swapped-label", "leaf-signature"),
    seen("swapped-version", "a newcomer", "strike, newcomer lookup-1", 1, "ladder-count", modes=(CM, AUDITING)),
    managed("swapped-version", "leaf-signature", "a newcomer", "strike, newcomer lookup-1"),
    *deceived("swapped-older-value", modes=(CM,)),
    returning("swapped-older-value", "commitment-changed", modes=(CM, AUDITING)),
    managed("swapped-older-value", "leaf-signature"),
    managed("swapped-older-value", "leaf-signature", "a newcomer", "strike, newcomer lookup"),
    returning("swapped-foreign-value", "commitment-changed", modes=(CM, AUDITING)),
    managed("swapped-foreign-value", "leaf-signature"),
    newcomer("commitment-of-target", "ladder-commitment"),
    newcomer("commitment-left-out", "ladder-commitment"),
    newcomer("commitment-of-no-version", "ladder-commitment"),
    *deceived("commitment-changed", modes=(CM, MANAGEMENT)),
    returning("commitment-changed", "commitment-changed"),
    newcomer("vrf-proof-left-out", "ladder-count"),
    newcomer("vrf-proof-too-many", "ladder-count"),
    newcomer("vrf-proofs-swapped", "vrf"),
    newcomer("vrf-of-another-label", "vrf"),
    newcomer("vrf-of-another-key", "vrf"),
    newcomer("timestamp-left-out", "timestamps"),
    newcomer("timestamp-too-many", "timestamps"),
    newcomer("timestamps-swapped", "timestamp-order"),
    newcomer("prefix-proof-left-out", "prefix-proofs"),
    newcomer("prefix-proof-too-many", "prefix-proofs"),
    newcomer("lookup-left-out", "ladder-short"),
    newcomer("lookup-too-many", "ladder-long"),
    newcomer("prefix-element-left-out", "prefix-elements"),
    newcomer("prefix-element-too-many", "prefix-elements"),
    seen("prefix-root-left-out", "a newcomer", "strike, newcomer lookup-0", 1, "prefix-roots"),
    newcomer("prefix-root-too-many", "prefix-roots"),
    newcomer("log-element-left-out", "log-elements"),
    newcomer("log-element-too-many", "log-elements"),
    newcomer("denied-by-its-own-leaf", "prefix-leaf"),
    # --- monitoring
    owner("owner-monitoring-refused", "monitoring-refused", exit=3),
    # every answer verifies and is kept; what fails is that the log has no reason to stop
    owner("owner-monitoring-ends-early", "monitoring-incomplete", kept=False),
    owner("owner-monitoring-lookup-left-out", "ladder-short"),
    contact("contact-monitoring-refused", "forbidden", exit=3),
    contact("contact-monitoring-lookup-left-out", "ladder-short"),
    contact("contact-monitoring-proof-left-out", "prefix-proofs"),
    contact("contact-monitoring-shows-absence", "version-missing"),
    # --- owners
    new_owner("owner-start-versions-increase", "greatest-versions"),
    new_owner("owner-start-versions-left-out", "ladder-commitment"),
    new_owner("owner-start-label-denied", "owner-ladder"),
    new_owner("owner-start-commitment-left-out", "ladder-commitment"),
    publishing("update-not-made", "update-missing"),
    seen("update-anticipated", "the owner, publishing", "strike, alice add", 4,
         alerts=["unknown-device", "version-not-mine", "unsigned-set"]),
    publishing("update-left-of-last", "update-position"),
    publishing("update-beyond-log", "update-position"),
    publishing("update-info-left-out", "update-info"),
    publishing("update-info-too-many", "update-info"),
    forked("update-other-opening", "strike, alice add, alice monitor", "the owner, at the next head",
           modes=(CM, MANAGEMENT)),
    seen("update-other-opening", "the owner, publishing", "strike, alice add", 1, "auditor-signature", modes=(AUDITING,)),
    publishing("update-vrf-proof-given", "ladder-count"),
    # --- the auditor's feed
    auditor("audit-other-timestamp", "audit-root"),
    auditor("audit-other-commitment", "audit-root"),
    auditor("audit-leaf-twice", "audit-order"),
    auditor("audit-leaves-unsorted", "audit-order"),
    auditor("audit-leaf-again", "audit-added"),
    auditor("audit-removes-absent-leaf", "audit-removed"),
    auditor("audit-result-left-out", "audit-results"),
    auditor("audit-element-left-out", "prefix-elements"),
    auditor("audit-element-changed", "audit-previous-root"),
    auditor("audit-replays-entry", "audit-previous-root"),
    auditor("audit-conceals-removal", "audit-root"),
    auditor("audit-unpublished-replaced", "audit-removed-unpublished"),
    auditor("audit-back-dated-entry", "audit-timestamp"),
    # --- the manager and the operator's signatures
    managed("leaf-signature-for-another-version", "leaf-signature"),
    managed("leaf-signature-for-another-version", "leaf-signature", "a newcomer", "strike, newcomer lookup"),
    managed("leaf-signature-for-another-label", "leaf-signature"),
    managed("leaf-signature-for-another-value", "leaf-signature"),
    managed("leaf-signature-by-the-manager", "leaf-signature"),
    managed("leaf-signature-left-out", "leaf-signature"),
    managed("version-shown-as-skipped", "commitment-changed", play="strike, bob lookup-1"),
    managed("insert-without-operator", "leaf-signature"),
    managed("insert-without-operator", "leaf-signature", "a newcomer", "strike, newcomer lookup"),
    managed("insert-without-operator", "leaf-signature", "the owner", "strike, alice monitor"),
    managed("update-leaf-signature-by-the-manager", "leaf-signature", "the owner, publishing", "strike, alice add"),
    managed("update-skips-a-version", "leaf-signature", "the owner, publishing", "strike, alice add"),
    managed("update-skips-all-versions", "update-skipped", "the owner, publishing", "strike, alice add"),
)
