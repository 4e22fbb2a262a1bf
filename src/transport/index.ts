// Bytes: listen, dial, TLS on both sides, our own CA.
export { type Authority, type IssuedCertificate, openServerAuthority } from './authority.ts'
export { type DialOptions, dialTcp } from './dial.ts'
export { DialAhead } from './dial-ahead.ts'
export { type GatewayKeys, type KeyAuthorities, openGatewayKeys } from './gateway-keys.ts'
export { Leg } from './leg.ts'
export { addressGroup, type Listener, type ListenOptions, listen } from './listen.ts'
export { LoginReader, PeerLeft } from './login-reader.ts'
export { Outlet } from './outlet.ts'
export {
  type ServeOptions,
  serveTls,
  type TlsMode,
  type UpgradeOptions,
  upgradeToTls,
} from './tls.ts'
export { serverNames, type TlsIdentity, type TlsSource, tlsIdentity } from './tls-identity.ts'
