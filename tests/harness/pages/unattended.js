// Runs itself from the address: ?name=…&publish=URL&watch=URL&options={…}; posts a sample to /report/NAME every half second.

const query = new URLSearchParams(location.search);
const report = (body) =>
  fetch(`/report/${query.get("name")}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function run() {
  const options = JSON.parse(query.get("options") ?? "{}");
  if (query.has("publish")) await globalThis.publish(query.get("publish"), options);
  if (query.has("watch")) await globalThis.watch(query.get("watch"), options);
  for (;;) {
    await report({ stats: await globalThis.sample() });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

run().catch((error) => report({ error: String(error) }));
