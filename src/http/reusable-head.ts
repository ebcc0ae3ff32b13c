import { IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** The head of a response as Node wrote it down, but for the empty line that ends it. */
export interface ReusableHead {
  readonly text: string
  /** Of which its `Date` tells. */
  readonly second: number
}

/**
 * Node's response, whose head need not be written down anew each time: Node checks and joins header by header, which would cost a
 * cached answer more than all else that is done for it here.
 */
export class ReusableHeadResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
  /** Where Node has kept the text since its first versions, without a word of it in its documentation. */
  declare _header: unknown

  /**
   * Writes a head of `constant` headers, names and values in turns, and `varying` ones, as they are sent: nobody checks those. `known`
   * is what this returned for the same constant ones before. Only for HTTP/1.1 where `shouldKeepAlive`, and for
   * a response that has a length or no body.
   */
  writeReusableHead(
    statusCode: number,
    known: ReusableHead | undefined,
    constant: () => OutgoingHttpHeader[],
    varying: string
  ): ReusableHead {
    const second = Math.floor(Date.now() / 1000)
    const head = known?.second === second ? known : { text: this.#write(statusCode, constant()), second }
    this.statusCode = statusCode
    this._header = `${head.text}${varying}\r\n`
    return head
  }

  #write(statusCode: number, headers: OutgoingHttpHeader[]): string {
    return String(this.writeHead(statusCode, headers)._header).slice(0, -2)
  }
}

/** False where this Node keeps the text elsewhere: heads can then not be used again. */
export function headsAreReusable(): boolean {
  const response = new ReusableHeadResponse(new IncomingMessage(new Socket())).writeHead(200)
  return /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s.test(String(response._header))
}
