// @openfeature/web-sdk with the OFREP provider, as they are published, in Node: all flags at once, then polls.
import { OpenFeature } from "@openfeature/web-sdk";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";

const told = JSON.parse(process.argv[2]);
const heard = [];
const listening = async (request, options) => {
  const answer = await fetch(request, options);
  heard.push([answer.status, answer.headers.get("etag")]);
  return answer;
};
const until = async (many) => {
  while (heard.length < many) await new Promise((done) => setTimeout(done, 20));
};
await OpenFeature.setContext(told.first);
await OpenFeature.setProviderAndWait(
  new OFREPWebProvider({
    baseUrl: told.host,
    headers: [["X-API-Key", told.key]],
    pollInterval: 100,
    fetchImplementation: listening,
    cacheMode: "disabled",
  }),
);
const client = OpenFeature.getClient();
const found = [client.getObjectDetails(told.flag, {})];
await until(3);
const before = heard.length;
await OpenFeature.setContext(told.second);
found.push(client.getObjectDetails(told.flag, {}));
await until(before + 2);
await OpenFeature.close();
console.log(JSON.stringify({ heard, found }));
process.exit(0);
