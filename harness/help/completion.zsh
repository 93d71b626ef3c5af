# Completion of `harness` for zsh, after compinit: source <(harness --completion zsh)
_harness() {
    local -a found unfinished
    found=("${(@f)$("${words[1]/#\~/$HOME}" --complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    found=("${(@)found:#}")
    unfinished=("${(@M)found:#*[=./]}")
    found=("${(@)found:#*[=./]}")
    compadd -S '' -a unfinished
    compadd -a found
}
compdef _harness harness
