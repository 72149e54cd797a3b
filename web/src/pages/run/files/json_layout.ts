/** JSON as people read it, without parsing it: numbers keep all their digits, and keys their order. */

/** JSON that stands in one line gets line breaks; other JSON stays as it was written. */
export function readableJson(json: string): string {
  return json.trimEnd().includes('\n') ? json : layOut(json)
}

/** Break lines after brackets and commas outside of strings. Nothing is parsed, so nothing is changed but space. */
function layOut(json: string): string {
  let out = ''
  let depth = 0
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g)) {
    if (token === '{' || token === '[') out += `${token}\n${'  '.repeat(++depth)}`
    else if (token === '}' || token === ']') out = `${out.trimEnd()}\n${'  '.repeat(Math.max(0, --depth))}${token}`
    else if (token === ',') out += `,\n${'  '.repeat(Math.max(0, depth))}`
    else out += token === ':' ? ': ' : token
  }
  return out.replace(/([[{])\s+([\]}])/g, '$1$2')
}
