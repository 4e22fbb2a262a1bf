// Upstream credentials, leased and wiped.
export { createVault, type Lease, type Vault } from './vault.ts'
