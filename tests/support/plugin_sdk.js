// Calls the vendor's plugin SDK and prints what it makes of the answers, as one line of JSON.
// Arguments: folder of the SDK, origin to call, token, organisation id, datamart id.
const [folder, origin, token, organisation, datamart] = process.argv.slice(2);
process.env.PLUGIN_WORKER_ID = process.env.PLUGIN_AUTHENTICATION_TOKEN = "unused"; // its constructor asks for both
const { AudienceFeedConnectorBasePlugin } = require(folder).core;

class Plugin extends AudienceFeedConnectorBasePlugin {
  onExternalSegmentCreation() {}
  onExternalSegmentConnection() {}
  onUserSegmentUpdate() {}
}

const plugin = new Plugin();
plugin.logger.silent = true;
const send = plugin._transport;
plugin._transport = (options) =>
  send({ ...options, uri: options.uri.replace("https://api.mediarithmics.com", origin) });

const outcome = (promise) =>
  promise.then(
    (answer) => ({ answer }),
    (error) => ({ error: String(error.message) }),
  );

Promise.all([
  outcome(plugin.fetchDatamarts(token, organisation)),
  outcome(plugin.fetchDatamartCompartments(token, datamart)),
]).then(([datamarts, compartments]) => {
  console.log(JSON.stringify({ datamarts, compartments }));
  process.exit(0);
});
