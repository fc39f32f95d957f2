// @openfeature/server-sdk with the OFREP provider, as they are published: details of flags for persons.
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const told = JSON.parse(process.argv[2]);
const headers = [["Authorization", `Bearer ${told.key}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: told.host, headers }));
const client = OpenFeature.getClient();
const found = [];
for (const [flag, context] of told.asked) found.push(await client.getObjectDetails(flag, {}, context));
await OpenFeature.close();
console.log(JSON.stringify(found));
