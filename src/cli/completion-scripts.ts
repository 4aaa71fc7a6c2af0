export const shells = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof shells)[number];

/**
 * What a shell must run to complete `cortex`. Each asks `cortex __complete WORD...` with the words so far, the one under the cursor
 * last; it answers one candidate per line, after a tab what it means, and nothing where files are meant.
 */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const bash = `# completes cortex in bash
_cortex() {
  local candidates current="\${COMP_WORDS[COMP_CWORD]}"
  candidates="$(cortex __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)"
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F _cortex cortex cx
alias cx=cortex
`;

const zsh = `#compdef cortex
_cortex() {
  local -a lines candidates
  lines=("\${(@f)$(cortex __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("\${(@)\${(@)lines:#}//:/\\\\:}")
  candidates=("\${(@)candidates/$'\\t'/:}")
  if (( \${#candidates} )); then _describe cortex candidates; else _files; fi
}
compdef _cortex cortex cx
alias cx=cortex
`;

const fish = `# completes cortex in fish
function __cortex_complete
  set -l words (commandline -opc) (commandline -ct)
  cortex __complete $words[2..-1] 2>/dev/null
end
complete -c cortex -a '(__cortex_complete)'
`;

const powershell = `# completes cortex in PowerShell
Register-ArgumentCompleter -Native -CommandName cortex -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($word -eq '') { $words += '""' }
  cortex __complete @words 2>$null | ForEach-Object {
    $parts = $_ -split "\`t", 2
    if ($parts[0] -like "$word*") {
      $means = if ($parts.Count -gt 1) { $parts[1] } else { $parts[0] }
      [System.Management.Automation.CompletionResult]::new($parts[0], $parts[0], 'ParameterValue', $means)
    }
  }
}
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish, powershell };
