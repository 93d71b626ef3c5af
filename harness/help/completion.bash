# Completion of `harness` for bash: eval "$(harness --completion bash)"
_harness() {
    local line=${COMP_LINE:0:COMP_POINT} words current candidate
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]} - 1]}
    # readline replaces what follows the last of its break characters, among which `=` and `:` are
    local kept=${current%"${current##*[=:]}"}
    [[ $COMP_WORDBREAKS == *=* ]] || kept=
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == *[=./] ]] && compopt -o nospace 2>/dev/null
        printf -v candidate %q "${candidate#"$kept"}"
        COMPREPLY+=("$candidate")
    done < <("${1/#\~/$HOME}" --complete "${words[@]:1}" 2>/dev/null)
}
complete -F _harness harness
