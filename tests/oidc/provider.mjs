// A real OpenID provider for the tests: npm `oidc-provider`, on a port of this machine.
//
//   node provider.mjs FOLDER CLIENT
//
// FOLDER has `node_modules`; CLIENT is JSON: the registered client, and under `accounts` the claims of
// those who may sign in. The first line on standard output is the issuer. Whoever comes to sign in
// says who they are in the header `sign-in-as`: there is nobody else to ask. Ends with its input.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, given] = process.argv.slice(2);
const library = join(folder, 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { Provider } = await import(pathToFileURL(library));
const { accounts, ...client } = JSON.parse(given);

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], ine: ['ine'] },
  scopes: ['openid', 'email', 'ine'],
  cookies: { keys: ['only for tests'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, ...accounts[accountId] }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (ctx) => {
    const { client: { clientId }, session: { accountId } } = ctx.oidc;
    const grant = new provider.Grant({ clientId, accountId });
    grant.addOIDCScope('openid email ine');
    await grant.save();
    return grant;
  },
});

const serve = provider.callback();
server.on('request', (request, response) => {
  const accountId = request.headers['sign-in-as'];
  if (request.url.startsWith('/interaction/') && accountId in accounts) {
    provider.interactionFinished(request, response, { login: { accountId } });
  } else {
    serve(request, response);
  }
});
process.stdin.on('end', () => process.exit()).resume();
process.stdout.write(`${issuer}\n`);
