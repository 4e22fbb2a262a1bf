// Fields by which proxies tell the services behind them who asks, or what was asked of them: a service that believes its proxy believes
// us. Only we know who it is, and nobody needs another address than the one that is judged.

const NAMES: ReadonlySet<string> = new Set(
  `via expect front-end-https client-cert client-cert-chain x-arr-clientcert x-client-dn x-client-verify x-credential-identifier
  x-ms-client-principal`.split(/\s+/),
)
/** Among them those of Apache and nginx, Kubernetes, oauth2-proxy, Authentik, Pomerium, Grafana, Vouch, Kong, Azure, AWS, Google, Cloudflare, Tailscale. */
const BEGINNINGS =
  /^(?:sallyport|x-original|x-rewrite|impersonate|(?:x-)?remote|(?:x-)?ssl|x-client-cert|x-tls-client|x-user|x-authenticated|x-auth-request|x-authentik|x-pomerium|x-webauth|x-vouch|x-consumer|x-ms-client-principal|x-amzn-oidc|x-goog-iap|x-goog-authenticated-user|cf-access|tailscale-user)-/

/** `loose`: the name as careless readers see it. */
export function isClaimed(loose: string): boolean {
  return NAMES.has(loose) || BEGINNINGS.test(loose) || loose.startsWith('x-client-cert')
}
