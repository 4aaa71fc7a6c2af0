/** Handlers that the conformance suite deploys: standard library only, so that every environment can run them at once. */

/**
 * Says which text it was deployed with and which process answers: "host/pid/start", as in containers all processes have the
 * same id.
 */
export const speaking = (text: string) => `import os, socket, time

def this_process():
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"

class PythonPredictor:
    def __init__(self, config):
        self.process = this_process()
        self.text = ${JSON.stringify(text)}

    def predict(self, payload):
        return {"text": self.text, "process": self.process, "payload": payload}
`;

/**
 * The configuration of one API with a handler in handler.py; more of the API in YAML may follow. Unless that says otherwise it
 * asks for little, so that a small cluster has room for all of the suite at once.
 */
export const spec = (name: string, more = "", handler = "handler.py") => `- name: ${name}
  kind: RealtimeAPI
  handler:
    path: ${handler}
${more.includes("compute:") ? "" : "  compute:\n    cpu: 20m\n"}${more}`;

/** The configuration of a TrafficSplitter. @param targets weights by name; a shadow's begins with "shadow " */
export const splitter = (name: string, targets: Readonly<Record<string, number | string>>) => `- name: ${name}
  kind: TrafficSplitter
  apis:
${Object.entries(targets)
  .map(([api, weight]) =>
    typeof weight === "number"
      ? `    - {name: ${api}, weight: ${weight}}\n`
      : `    - {name: ${api}, weight: ${weight.replace("shadow ", "")}, shadow: true}\n`,
  )
  .join("")}`;

/** Quick answers for whoever waits: no rest period, one look decides. */
export const failing = (statement: string) => `class PythonPredictor:
    def __init__(self, config):
        ${statement}

    def predict(self, payload):
        return payload
`;

/** Notes what it is sent by POST, and says all of it by GET, in the order of its coming. */
export const noting = `import time

class Handler:
    def __init__(self, config):
        self.seen = []

    def handle_post(self, payload):
        self.seen.append(payload)
        if isinstance(payload, dict) and "ms" in payload:
            time.sleep(payload["ms"] / 1000)
        if isinstance(payload, dict) and "fail" in payload:
            raise ValueError("as it was asked to")
        return "noted"

    def handle_get(self):
        return self.seen
`;

/** Answers with what it was asked, by every method. */
export const echoing = `class Handler:
    def __init__(self, config):
        self.config = config

    def handle_get(self, query_params):
        return {"method": "get", "query": dict(query_params)}

    def handle_post(self, payload, headers):
        kind = type(payload).__name__
        if isinstance(payload, bytes):
            return payload
        return {"method": "post", "type": kind, "payload": payload if kind != "FormData" else sorted(payload.keys())}

    def handle_put(self, payload):
        return "put"

    def handle_delete(self):
        return "deleted"
`;

/** Takes as long as it is asked to, in milliseconds. */
export const sleeping = `import time

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        time.sleep(payload["ms"] / 1000)
        return {"slept": payload["ms"]}
`;

/** Answers at the time that it is given, in milliseconds since the epoch; at once when that is past. */
export const dozing = `import time

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        time.sleep(max(0, payload["until_ms"] / 1000 - time.time()))
        return "awake"
`;

/** Answers once there is the file that it is given; only where handlers see this machine's files. */
export const waiting = `import os, time

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        while not os.path.exists(payload["until"]):
            time.sleep(0.05)
        return "it is there"
`;
