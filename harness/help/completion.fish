# Completion of `harness` for fish: harness --completion fish | source
function __harness_complete
    set -l words (commandline --cut-at-cursor --tokenize --current-process)
    $words[1] --complete $words[2..] (commandline --cut-at-cursor --current-token) 2>/dev/null
end
complete --command harness --no-files --arguments '(__harness_complete)'
