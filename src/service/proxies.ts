import { BlockList, isIP } from "node:net"

/** Who asks, as far as it is known. */
export interface Asker {
  /** The address that is counted: of an IPv6 client its network, of which one client has as many addresses as it likes. */
  readonly client: string
  /** The names, with their ports, by which the service was asked: what it was sent, and what a trusted proxy was. */
  readonly hosts: ReadonlyArray<string>
  /** Whether a trusted proxy passed the request on, which may have left out the port. */
  readonly isProxied: boolean
}

/**
 * Tells who asks. Only proxies at these addresses and networks (`10.0.0.0/8`) are believed what they say of it in
 * `X-Forwarded-For` and `X-Forwarded-Host`: of the former the last address that is not a proxy's own, since a client may
 * have sent those before it.
 */
export const makeProxies = (trusted: ReadonlyArray<string>) => {
  const list = blockListOf(trusted)
  const isTrusted = (address: string) =>
    trusted.length > 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")

  return (headers: Headers, peer: string): Asker => {
    const host = headers.get("host") ?? ""
    const direct = plainAddress(peer)
    if (direct === undefined || !isTrusted(direct)) {
      return { client: networkOf(direct ?? peer), hosts: [host], isProxied: false }
    }
    let client = direct
    for (const hop of listOf(headers.get("x-forwarded-for")).reverse()) {
      const address = plainAddress(hop)
      if (address === undefined) break
      client = address
      if (!isTrusted(address)) break
    }
    const forwarded = listOf(headers.get("x-forwarded-host")).slice(-1)
    return { client: networkOf(client), hosts: [host, ...forwarded], isProxied: true }
  }
}

const blockListOf = (networks: ReadonlyArray<string>): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = "", length] = network.split("/")
    const family = isIP(address) === 6 ? "ipv6" : "ipv4"
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  return list
}

const listOf = (header: string | null): Array<string> =>
  (header ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean)

/** An address without the port, the brackets, the zone and the IPv6 form of IPv4 that it may come in. */
const plainAddress = (text: string): string | undefined => {
  const bare = /^\[([^\]]*)\](:\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=[\d.]+$)/i, "")
  return isIP(address) === 0 ? undefined : address
}

const networkOf = (address: string): string => {
  if (isIP(address) !== 6) return address
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::")
  const [first, last] = [head, tail ?? ""].map((groups) => groups.split(":").filter(Boolean))
  const zeros = tail === undefined ? [] : Array<string>(8 - first!.length - last!.length).fill("0")
  return `${[...first!, ...zeros, ...last!].slice(0, 4).join(":")}::/64`
}
