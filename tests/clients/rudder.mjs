// @rudderstack/rudder-sdk-node as it is published: one event of each kind, then a flush.
import Analytics from "@rudderstack/rudder-sdk-node";

const told = JSON.parse(process.argv[2]);
const client = new Analytics(told.writeKey, {
  dataPlaneUrl: told.host,
  gzip: told.gzip,
  logLevel: "error",
});
for (const [kind, said] of told.events) client[kind](said);
let failed = null;
try {
  await client.flush();
} catch (error) {
  failed = String(error.message);
}
console.log(JSON.stringify({ failed }));
process.exit(0);
