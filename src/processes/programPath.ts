import { fileURLToPath } from "node:url"

/**
 * The path of a program that is started in a process or a Worker of its own: `path` as seen from the module whose
 * `import.meta.url` is `from`. `bun run check` takes such a call for an import, which a path in a plain string would evade.
 */
export const programPath = (path: string, from: string): string => fileURLToPath(new URL(path, from))
