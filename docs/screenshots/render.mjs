// Renders Markdown the way GitHub renders a comment on a pull request, and takes
// pictures in light and dark. See README.md.
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { rehypeGithubAlerts } from 'rehype-github-alerts'
import rehypeRaw from 'rehype-raw'
import rehypeSanitize from 'rehype-sanitize'
import rehypeStringify from 'rehype-stringify'
import remarkBreaks from 'remark-breaks'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import remarkRehype from 'remark-rehype'
import sharp from 'sharp'
import { unified } from 'unified'

const here = dirname(fileURLToPath(import.meta.url))
const asset = createRequire(import.meta.url).resolve

const width = 900 // CSS pixels, about those of a comment on a wide screen
const sharpness = 2 // device pixels per CSS pixel

// separateAlertHeads makes "[!NOTE]" a paragraph of its own: rehype-github-alerts
// loses text in the same paragraph after remark-breaks.
function separateAlertHeads() {
  return tree => {
    for (const quote of tree.children.filter(child => child.type === 'blockquote')) {
      const [text, ...rest] = quote.children[0]?.children ?? []
      const head = text?.type === 'text' && text.value.match(/^\[!\w+\](?=\n)/)?.[0]
      if (!head) continue
      const body = text.value.slice(head.length + 1)
      if (body) rest.unshift({ type: 'text', value: body })
      quote.children.splice(0, 1,
        { type: 'paragraph', children: [{ type: 'text', value: head }] },
        { type: 'paragraph', children: rest })
    }
  }
}

// The default schema of rehype-sanitize is GitHub's. Comments keep line breaks;
// summaries and files do not, so no report should rely on either.
const markdown = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(separateAlertHeads)
  .use(remarkBreaks)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(rehypeSanitize)
  .use(rehypeGithubAlerts)
  .use(rehypeStringify)

const page = (style, body) => `<!doctype html>
<meta charset="utf-8">
<style>${style}
  :root { color-scheme: light dark }
  body { margin: 0 }
  .markdown-body { box-sizing: border-box; padding: 16px; font-size: 14px }
  .mermaid { margin-bottom: 16px; text-align: center }
  .mermaid svg { max-width: 100% }
</style>
<article class="markdown-body">${body}</article>`

// drawDiagrams runs in the page, with the themes that GitHub uses for Mermaid. A
// diagram that does not parse is an error.
async function drawDiagrams(theme) {
  mermaid.initialize({ startOnLoad: false, theme })
  for (const [i, code] of document.querySelectorAll('pre > code.language-mermaid').entries()) {
    const diagram = document.createElement('div')
    diagram.className = 'mermaid'
    diagram.innerHTML = (await mermaid.render(`diagram-${i}`, code.textContent)).svg
    code.parentElement.replaceWith(diagram)
  }
}

function openDetails(which) {
  const all = [...document.querySelectorAll('details')]
  for (const details of which === 'all' ? all : all.slice(0, which === 'first' ? 1 : 0)) details.open = true
}

async function picture(browser, html, colorScheme, open) {
  const context = await browser.newContext({ colorScheme, offline: true, viewport: { width, height: 600 }, deviceScaleFactor: sharpness })
  try {
    const tab = await context.newPage()
    await tab.setContent(html)
    await tab.addScriptTag({ path: asset('mermaid/dist/mermaid.min.js') })
    await tab.evaluate(drawDiagrams, colorScheme === 'dark' ? 'dark' : 'default')
    await tab.evaluate(openDetails, open)
    return await tab.locator('article').screenshot({ animations: 'disabled' })
  } finally {
    await context.close()
  }
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { open: { type: 'string', default: 'none' } },
})
if (!['none', 'first', 'all'].includes(options.open)) throw new Error(`--open is none, first or all, not ${options.open}`)

const inputs = positionals.length > 0
  ? positionals
  : (await readdir(here)).filter(name => name.endsWith('.md') && name !== 'README.md').map(name => join(here, name))

const style = await readFile(asset('github-markdown-css/github-markdown.css'), 'utf8')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
try {
  for (const input of inputs) {
    const html = page(style, String(await markdown.process(await readFile(input, 'utf8'))))
    for (const colorScheme of ['light', 'dark']) {
      const { dir, name } = parse(input)
      const output = join(dir, `${name}-${colorScheme}.png`)
      const { size } = await sharp(await picture(browser, html, colorScheme, options.open))
        .png({ palette: true, effort: 10 })
        .toFile(output)
      console.log(`${output}: ${Math.ceil(size / 1024)} KiB`)
    }
  }
} finally {
  await browser.close()
}
