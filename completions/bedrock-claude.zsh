#compdef bedrock-claude bedrock-claude-cli
_bedrock-claude() {
    local -a answer
    answer=("${(@f)$(_BEDROCK_CLAUDE_COMPLETE=complete_zsh ${(Q)~words[1]} \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case $answer[1] in
        files) compset -P '--*='; _files ;;
        commands) _command_names -e ;;
        values) shift answer; (( $#answer )) && _describe -V bedrock-claude answer ;;
    esac
}
if [[ $funcstack[1] == _bedrock-claude ]]; then
    _bedrock-claude "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _bedrock-claude bedrock-claude bedrock-claude-cli
fi
