_bedrock_claude() {
    local kind= line
    COMPREPLY=()
    {
        read -r kind
        while IFS= read -r line; do COMPREPLY+=("$line"); done
    } < <(_BEDROCK_CLAUDE_COMPLETE=complete_bash "${1/#\~/$HOME}" \
        "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case ${COMP_WORDS[COMP_CWORD-1]} in [\<\>]*) kind=files ;; esac
    case $kind in
        files) compopt -o filenames 2>/dev/null
               COMPREPLY=()
               while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$2") ;;
        commands) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$2") ;;
        *) compopt -o nosort 2>/dev/null ;;
    esac
    return 0
}
complete -F _bedrock_claude bedrock-claude bedrock-claude-cli
