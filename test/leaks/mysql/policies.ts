/** Everything is permitted but to see: what is left is masking. */
export const allowAllButSeeing = {
  'leaks.cedar': `
@id("everything-but-seeing")
permit (principal, action, resource) unless { action == Action::"reveal" };
`,
}
