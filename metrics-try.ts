import { connect } from "./src/kubernetes/connect.ts";
import { readMetrics } from "./src/environments/kubernetes/metrics/read-metrics.ts";
import { askPrometheus } from "./src/environments/kubernetes/metrics/prometheus.ts";
import { queriesFor } from "./src/environments/kubernetes/metrics/queries.ts";
const signal = new AbortController().signal;
await using client = await connect({ variables: process.env }, signal);
const [ns, ...apis] = process.argv.slice(2);
const url = process.env.PROM ?? "http://prometheus.monitoring:9090";
for (let i = 0; i < 4; i++) {
  const t = performance.now();
  const m = await readMetrics(client, url, ns!, apis.length ? apis : undefined, signal);
  console.log(Math.round(performance.now() - t), "ms", m.size, [...m].slice(0, 1));
}
for (const [k, q] of Object.entries(queriesFor(ns!, undefined, "1m"))) {
  const t = performance.now();
  const s = await askPrometheus(client, url, q, signal);
  console.log(k, Math.round(performance.now() - t), "ms", s.length);
}
