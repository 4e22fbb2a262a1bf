// The library's module for programs that load modules; its package names another file, which is not in it.
declare module '@xterm/headless/lib-headless/xterm-headless.mjs' {
  export * from '@xterm/headless'
}
