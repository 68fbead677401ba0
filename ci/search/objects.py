"""Ends of servers, from the table "Every part of the lab is watched" of docs/definitions.md."""

# Signals that the kernel sends a program for what it did: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
OWN = {4, 5, 6, 7, 8, 11, 31}
# Faults that end a server. How a Sentinel crashes is decided by its own rules: it is told of, and counts as the fault's doing.
ENDING = {"kill", "stop", "restart", "sentinel-crash"}


def unexplained(history):
    """Ends of servers that no fault accounts for: each fault accounts for one end of a node it took."""
    left = []
    for event in history.events["fault"]:
        if event["state"] == "injected" and history.plan["faults"][event["fault"]]["fault"]["action"] in ENDING:
            left += [(event["at"], name) for name in event.get("targets", [])]
    found = []
    for event in history.events["object"]:
        if event["kind"] != "server" or event["state"] != "ended":
            continue
        fault = next((one for one in left if one[1] == event["name"] and one[0] <= event["at"][1]), None)
        if fault is None:
            found.append(event)
        else:
            left.remove(fault)
    return found


def is_own(event):
    return event.get("signal") in OWN or event.get("out_of_memory", False) or bool(event.get("code"))


def crashes(history):
    return [event for event in unexplained(history) if is_own(event)]


def outside(history):
    return [event for event in unexplained(history) if not is_own(event)]
