// @segment/analytics-node as it is published: one event of each kind, then the end.
import { Analytics } from "@segment/analytics-node";

const told = JSON.parse(process.argv[2]);
const client = new Analytics({ writeKey: told.writeKey, host: told.host, flushAt: told.flushAt ?? 20 });
const failed = [];
client.on("error", (error) => failed.push(error.code));
for (const [kind, said] of told.events) client[kind](said);
const begun = Date.now();
await client.closeAndFlush({ timeout: 20000 });
console.log(JSON.stringify({ failed, took: Date.now() - begun }));
