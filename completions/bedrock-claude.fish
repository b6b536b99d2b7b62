function __bedrock_claude
    set -l words (commandline -opc)
    type -q -- $words[1]; or set words[1] bedrock-claude
    set -l current (commandline -ct)
    set -l answer (env _BEDROCK_CLAUDE_COMPLETE=complete_fish $words "$current" 2>/dev/null)
    switch "$answer[1]"
        case files
            set -l option (string match -r -- '^--[^=]*=' "$current")
            set -l path (string replace -- "$option" '' "$current")
            __fish_complete_path "$path" | string replace -r '^' -- "$option"
        case commands
            __fish_complete_command
        case values
            printf '%s\n' $answer[2..-1]
    end
end
for name in bedrock-claude bedrock-claude-cli
    complete -c $name -f -k -a '(__bedrock_claude)'
end
