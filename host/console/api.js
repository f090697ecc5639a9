// Requests to the host. The token stands in the session of this tab, never in an address: addresses end in logs and in
// histories. So pictures and files are fetched, too, where an `<img>` or a link could not send it.

const KEY = 'mediagraph-token';
/// The page is served by the host itself, perhaps below a folder of a proxy.
const ROOT = new URL('.', document.baseURI);

let signedOut = () => {};

/// Who is told when a token is needed, or is not valid any more.
export function onSignedOut(then) {
  signedOut = then;
}

export function token() {
  return sessionStorage.getItem(KEY) ?? '';
}

export function keepToken(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

/// What a request failed with: the host's words.
export class Refused extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/// An address of the host: `at('assets', name, 'gaps')`. Each part is escaped, so a name cannot become a path.
export function at(...parts) {
  return parts.map(encodeURIComponent).join('/');
}

export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, value);
  }
  return url.href;
}

export function authorization() {
  return token() ? {authorization: `Bearer ${token()}`} : {};
}

/// Sends a request, and gives the answer if it is a good one.
export async function request(path, {query, method = 'GET', body, signal, headers = {}} = {}) {
  const options = {method, signal, cache: 'no-store', headers: {...headers, ...authorization()}};
  if (method !== 'GET') options.headers['content-type'] = 'application/json';
  if (body !== undefined) options.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(address(path, query), options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, 'The host does not answer.', 'Look whether it runs and whether the network is there.');
  }
  if (answer.ok) return answer;
  const refused = await refusal(answer);
  if (refused.status === 401) signedOut();
  throw refused;
}

async function refusal(answer) {
  try {
    const {error} = await answer.json();
    const [first] = error.details ?? [];
    return new Refused(answer.status, first?.message ?? error.message, first?.hint ?? error.hint);
  } catch {
    return new Refused(answer.status, `The host answered ${answer.status}.`);
  }
}

export async function get(path, query, signal) {
  return (await request(path, {query, signal})).json();
}

/// All pages of a list, or as many as `pages` says; `more` tells that there are others.
export async function list(path, query = {}, {signal, pages = 20} = {}) {
  const value = [];
  let continuationToken;
  for (let page = 0; page < pages; page += 1) {
    const answer = await get(path, {...query, continuationToken}, signal);
    value.push(...answer.value);
    continuationToken = answer['@continuationToken'];
    if (!continuationToken) break;
  }
  return {value, more: Boolean(continuationToken)};
}

/// A picture as an address that an `<img>` can show. Whoever asks gives it back with `URL.revokeObjectURL`.
export async function picture(path, query, signal) {
  const answer = await request(path, {query, signal});
  const time = answer.headers.get('mediagraph-time');
  return {url: URL.createObjectURL(await answer.blob()), time};
}
